"""The context service: what adwright knows of brands, products and exemplars."""
