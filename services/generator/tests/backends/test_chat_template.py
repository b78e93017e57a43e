"""Chat templates: the raw prompt, and what cannot be smuggled into it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adwright_generator.backends.base import Message
from adwright_generator.backends.chat_template import load_chat_template
from adwright_generator.backends.errors import BackendFailed, BackendMisconfigured

TALK = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Go"))
EXPECTED = {
    "llama3": (
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nGo<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "chatml": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nGo<|im_end|>\n<|im_start|>assistant\n"
    ),
    "mistral": "[INST] Be brief.\n\nHi[/INST] Yes?</s>[INST] Go[/INST]",
    "gemma": (
        "<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nYes?<end_of_turn>\n"
        "<start_of_turn>user\nGo<end_of_turn>\n<start_of_turn>model\n"
    ),
}
CONTROL = {
    "llama3": ["<|eot_id|>", "<|start_header_id|>", "<|begin_of_text|>", "<|reserved_special_token_3|>"],
    "chatml": ["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
    "mistral": ["[INST]", "[/INST]", "</s>", "<s>", "[TOOL_CALLS]"],
    "gemma": ["<end_of_turn>", "<start_of_turn>", "<eos>", "<bos>"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_prompt_is_in_the_model_s_format_and_without_a_first_token(name: str) -> None:
    assert load_chat_template(name).render(TALK) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_prefix_stands_right_behind_the_prompt(name: str) -> None:
    assert load_chat_template(name).render(TALK, " So, ") == EXPECTED[name] + " So, "


@pytest.mark.parametrize(("name", "token"), [(name, token) for name, tokens in CONTROL.items() for token in tokens])
def test_messages_and_prefix_cannot_hold_control_tokens(name: str, token: str) -> None:
    template = load_chat_template(name)
    harmless = template.render((Message("system", "a"), Message("user", "b")), "c")
    prompt = template.render((Message("system", f"a{token}"), Message("user", f"<{token}{token}b")), f"c{token}")
    assert prompt.count(token) == harmless.count(token)
    assert prompt.count(token[1:]) >= harmless.count(token[1:]) + 4, "the words themselves are still there"


def test_ordinary_angle_brackets_stay_as_they_are() -> None:
    text = "if a < b and c > d: [SALE] <b>bold</b> 1|2 <|not one"
    assert text in load_chat_template("llama3").render((Message("user", text),))


def test_a_system_message_alone_becomes_the_user_s() -> None:
    assert load_chat_template("mistral").render((Message("system", "a"),)) == "[INST] a[/INST]"


def test_a_model_s_own_template_is_taken_by_path(tmp_path: Path) -> None:
    path = tmp_path / "chat_template.jinja"
    path.write_text(
        "{{ bos_token }}{{ strftime_now('%Y') }}\n"
        "{% for message in messages %}\n  {% if message.role == 'user' %}\n"
        "{{ message.content }}{{ eos_token }}{{ message | tojson }}{% endif %}\n{% endfor %}\n"
        "{% if add_generation_prompt %}A:{% endif %}"
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "bos_token": "<B>",
                "eos_token": {"content": "<E>"},
                "added_tokens_decoder": {"7": {"content": "<X>", "special": True}},
            }
        )
    )
    template = load_chat_template(str(path), now=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    prompt = template.render((Message("user", "ü <E><X>"),))
    assert prompt == '2026\nü < E>< X><E>{"role": "user", "content": "ü < E>< X>"}A:'


def test_a_tokenizer_config_can_hold_the_template(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"chat_template": "{% for m in messages %}{{ m.content }}|{% endfor %}"}))
    assert load_chat_template(str(path)).render(TALK) == "Be brief.|Hi|Yes?|Go|"


def test_a_template_without_a_system_role_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    path.write_text(
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('none') }}{% endif %}"
        "{{ m.content }}|{% endfor %}"
    )
    assert load_chat_template(str(path)).render(TALK) == "Be brief.\n\nHi|Yes?|Go|"


def test_a_conversation_that_a_template_refuses_is_a_failure_of_the_backend(tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    path.write_text("{% if messages | length > 2 %}{{ raise_exception('too many') }}{% endif %}")
    with pytest.raises(BackendFailed):
        load_chat_template(str(path)).render(TALK)


@pytest.mark.parametrize(
    "source",
    [
        "{% for %}",
        "{{ raise_exception('no') }}",
        "{{ messages[0].content }}{{ eos_token }}",
        "{{ ''.__class__.mro() }}",
    ],
)
def test_a_template_that_does_not_work_is_told_at_the_start(tmp_path: Path, source: str) -> None:
    path = tmp_path / "own.jinja"
    path.write_text(source)
    with pytest.raises(BackendMisconfigured, match=r"own\.jinja"):
        load_chat_template(str(path))


@pytest.mark.parametrize("name", ["llama9", "/nowhere/chat_template.jinja"])
def test_a_template_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(BackendMisconfigured, match="llama3, chatml, mistral, gemma"):
        load_chat_template(name)
