"""Versioned prompts as files: a `.jinja`, a `.schema.json` and a `.yaml` each. `prompting` reads them."""
