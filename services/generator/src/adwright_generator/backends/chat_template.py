"""Chat templates: from messages to the raw prompt that a completion endpoint takes.

The files of `chat_templates/`, or a model's own, in the environment that Hugging Face transformers gives them
(`utils/chat_template_utils.py`). Without a BOS token: TGI's tokenizer adds it to every prompt of `/generate_stream`
(`add_special_tokens` is on and cannot be set there, router/src/lib.rs), and two of them make answers worse.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .base import Message
from .errors import BackendFailed, BackendMisconfigured

__all__ = ["ChatTemplate", "load_chat_template"]

_FOLDER = Path(__file__).parent / "chat_templates"
# End of sequence of the packaged templates that write it behind former answers.
_EOS = {"llama3": "<|eot_id|>", "chatml": "<|im_end|>", "mistral": "</s>", "gemma": "<eos>"}
# What the tokenizers of the common families take for control tokens, wherever in the prompt it stands.
_BARS = r"<[|｜][^<>\s]{1,64}[|｜]>"
_SENTENCE_PIECE = r"</?s>|<(?:unk|pad|bos|eos|mask|unused\d+)>"
_CONTROL = {
    "llama3": _BARS,
    "chatml": _BARS,
    "mistral": rf"{_SENTENCE_PIECE}|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT|TOOL_CALLS|IMG\w*)\]",
    "gemma": rf"{_SENTENCE_PIECE}|</?(?:start|end)_of_\w{{1,16}}>",
}


class ChatTemplate:
    """One template. What messages say cannot end their turn or begin another."""

    def __init__(self, template: Template, control: str, *, eos_token: str = "") -> None:
        """`control` is a regular expression of the model's control tokens."""
        self._template = template
        # Looking ahead finds those that begin inside another one too.
        self._control = re.compile(f"(?=(?:{control}))(.)", re.DOTALL)
        self._eos_token = eos_token
        self._system_role = True
        self._try_out()

    def render(self, messages: Sequence[Message], prefix: str = "") -> str:
        """The prompt, up to where the model begins to answer, and `prefix` right behind it.

        So the prompt without a prefix is an exact beginning of the prompt with one. Raises BackendFailed when the
        template refuses the conversation.
        """
        try:
            return self._render(messages) + self._harmless(prefix)
        except (TemplateError, TypeError) as error:
            raise BackendFailed("The chat template refuses this conversation; check the order of its roles.") from error

    def _render(self, messages: Sequence[Message]) -> str:
        turns = [{"role": m.role, "content": self._harmless(m.content)} for m in messages]
        if not self._system_role:
            turns = _folded(turns)
        return self._template.render(
            messages=turns, bos_token="", eos_token=self._eos_token, add_generation_prompt=True, tools=None
        )

    def _harmless(self, text: str) -> str:
        """The text with a space in each control token: the reader sees the same, the tokenizer plain text."""
        return self._control.sub(r"\1 ", text)

    def _try_out(self) -> None:
        """Finds whether there is a system role. Raises TemplateError when there is no user role either."""
        user = Message("user", "a")
        try:
            self._render([Message("system", "b"), user])
        except TemplateError:
            self._system_role = False
            self._render([Message("system", "b"), user])


def load_chat_template(name_or_path: str, *, now: Callable[[], datetime] = datetime.now) -> ChatTemplate:
    """`llama3`, `chatml`, `mistral`, `gemma`, or the path of a jinja file or of a model's `tokenizer_config.json`.

    A `tokenizer_config.json` beside a jinja file tells the model's special tokens. Raises BackendMisconfigured.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: now().strftime(form)
    try:
        if name_or_path in _CONTROL:
            source = (_FOLDER / f"{name_or_path}.jinja").read_text(encoding="utf-8")
            template = environment.from_string(source)
            return ChatTemplate(template, _CONTROL[name_or_path], eos_token=_EOS[name_or_path])
        return _from_files(Path(name_or_path), environment)
    except OSError as error:
        raise BackendMisconfigured(
            f"The chat template {name_or_path} cannot be read; use {', '.join(_CONTROL)} or the path of a jinja file."
        ) from error
    except (TemplateError, TypeError, ValueError) as error:
        raise BackendMisconfigured(
            f"The chat template {name_or_path} does not work ({error}); use the model's own chat_template.jinja."
        ) from error


def _from_files(path: Path, environment: ImmutableSandboxedEnvironment) -> ChatTemplate:
    settings_path = path if path.suffix == ".json" else path.with_name("tokenizer_config.json")
    settings: dict[str, Any] = json.loads(settings_path.read_bytes()) if settings_path.exists() else {}
    source = settings.get("chat_template") if path.suffix == ".json" else path.read_text(encoding="utf-8")
    if not (isinstance(source, str) and source):
        raise TemplateError("it has no chat_template")
    eos_token = _token(settings.get("eos_token"))
    if not eos_token and "eos_token" in find_undeclared_variables(environment.parse(source)):
        raise TemplateError("it needs eos_token; put the model's tokenizer_config.json beside it")
    special = [
        _token(settings.get("bos_token")),
        eos_token,
        *(_token(entry) for entry in (settings.get("added_tokens_decoder") or {}).values() if entry.get("special")),
    ]
    control = "|".join([*dict.fromkeys(_CONTROL.values()), *(re.escape(token) for token in special if token)])
    return ChatTemplate(environment.from_string(source), control, eos_token=eos_token)


def _token(value: Any) -> str:
    """A token's text: Hugging Face writes it as it is or as an object."""
    return str(value.get("content", "")) if isinstance(value, Mapping) else str(value or "")


def _folded(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same conversation with what the system says at the head of the first turn of the user."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    others = [turn for turn in turns if turn["role"] != "system"]
    if system and others and others[0]["role"] == "user":
        return [{"role": "user", "content": "\n\n".join([*system, others[0]["content"]])}, *others[1:]]
    return [{"role": "user", "content": "\n\n".join(system)}, *others] if system else others


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> str:
    raise TemplateError(message)
