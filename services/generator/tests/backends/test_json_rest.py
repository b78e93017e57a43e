"""The rest of a JSON text: nothing that fits is shut out, and nothing gets in that does not fit."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adwright_checks import json_schema, load_formats
from adwright_generator.backends.json_rest import rest_pattern

Schema = dict[str, Any]
Token = tuple[str, str | None]
"""How a piece of a document is written in the beginning, and how in the rest; None where the rest has no way to."""

SHORT = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\", "/": r"\/"}
CONTROL = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}

# Small alphabets with everything in them that JSON treats in a way of its own.
texts = st.text(st.sampled_from('ab7"\\/\né\x7f€😀𝄞\u2028') | st.characters(codec="utf-8"), max_size=5)
names = st.text(st.sampled_from('ab_"\\é😀.$'), min_size=1, max_size=3)


@st.composite
def strings(draw: st.DrawFn) -> Schema:
    schema: Schema = {"type": "string"}
    if draw(st.booleans()):
        schema["minLength"] = draw(st.integers(0, 2))
    if draw(st.booleans()):
        schema["maxLength"] = draw(st.integers(schema.get("minLength", 0), 5))
    if len(schema) > 1 and draw(st.booleans()):
        schema["pattern"] = "^[^0-9]*$"
    return schema


scalars = st.one_of(
    strings(),
    st.sampled_from([{"type": "boolean"}, {"type": "integer"}, {"type": "number"}, {"type": "null"}]),
    st.builds(lambda values: {"enum": values}, st.lists(texts | st.sampled_from([1, 12, 1.5, True, None]), min_size=1)),
    st.builds(lambda value: {"type": "string", "const": value}, texts),
)


def arrays(items: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda item, n: {"type": "array", "items": item, "minItems": n, "maxItems": n}, items, st.integers(0, 3)
    )


def objects(values: st.SearchStrategy[Schema], least: int = 0) -> st.SearchStrategy[Schema]:
    return st.dictionaries(names, values, min_size=least, max_size=3).map(object_of)


def object_of(properties: dict[str, Any]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


schemas = objects(strings() | arrays(strings()), 1) | objects(scalars | arrays(scalars) | objects(scalars))


def one(text: str = "text", **keywords: Any) -> Schema:
    """An object with a single string of these keywords."""
    return object_of({text: {"type": "string", **keywords}})


def without_patterns(schema: Any) -> Any:
    """The schema without `pattern`, which counts for nothing beside a length."""
    if isinstance(schema, dict):
        return {
            key: without_patterns(value) for key, value in schema.items() if key != "pattern" or isinstance(value, dict)
        }
    return schema


def white(draw: st.DrawFn) -> Token:
    return draw(st.sampled_from(["", " ", "\n\t ", "\r\n"])), draw(st.sampled_from(["", " "]))


def value_tokens(draw: st.DrawFn, schema: Schema) -> Iterator[Token]:
    """Some document of the schema."""
    match schema:
        case {"enum": values}:
            yield from whole_tokens(draw, draw(st.sampled_from(values)))
        case {"const": value}:
            yield from whole_tokens(draw, value)
        case {"type": "object", "properties": properties}:
            yield "{", "{"
            for place, (name, value) in enumerate(properties.items()):
                if place:
                    yield white(draw)
                    yield ",", ","
                yield white(draw)
                yield from whole_tokens(draw, name)
                yield white(draw)
                yield ":", ":"
                yield white(draw)
                yield from value_tokens(draw, value)
            yield white(draw)
            yield "}", "}"
        case {"type": "array", "items": items, "minItems": count}:
            yield "[", "["
            for place in range(count):
                if place:
                    yield white(draw)
                    yield ",", ","
                yield white(draw)
                yield from value_tokens(draw, items)
            yield white(draw)
            yield "]", "]"
        case {"type": "string"}:
            least, most = schema.get("minLength", 0), schema.get("maxLength", 5)
            text = draw(st.lists(texts.filter(bool).map(lambda some: some[0]), min_size=least, max_size=most))
            yield '"', '"'
            for character in text:
                yield character_token(draw, character)
            yield '"', '"'
        case {"type": "boolean"}:
            yield from whole_tokens(draw, draw(st.booleans()))
        case {"type": "integer"}:
            yield from whole_tokens(draw, draw(st.integers()))
        case {"type": "number"}:
            yield from whole_tokens(draw, draw(st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
        case _:
            yield from whole_tokens(draw, None)


def whole_tokens(draw: st.DrawFn, value: Any) -> Iterator[Token]:
    """A value that is written out by the schema, or a number."""
    yield json.dumps(value, ensure_ascii=draw(st.booleans())), json.dumps(value, ensure_ascii=False)


def character_token(draw: st.DrawFn, character: str) -> Token:
    units = character.encode("utf-16-be").hex()
    escaped = "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    ways = [escaped, escaped.upper().replace("\\U", "\\u")]
    if character in SHORT:
        ways.append(SHORT[character])
    if character not in '"\\' and character >= " ":
        ways.append(character)
    rest = SHORT[character] if character in '"\\' else None if character in CONTROL else character
    return draw(st.sampled_from(ways)), rest


@st.composite
def documents(draw: st.DrawFn) -> tuple[Schema, list[Token]]:
    schema = draw(schemas)
    return schema, [white(draw), *value_tokens(draw, schema)]


def cuts(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """The beginning and the rest at every place where the rest can be written."""
    for place, (written, plain) in enumerate(tokens):
        before = "".join(token[0] for token in tokens[:place])
        behind = [token[1] for token in tokens[place + 1 :]]
        for at in range(len(written) + 1):
            if at == 0:
                rest = plain if place else ""
            elif place == 0 or written.isspace():
                rest = ""
            elif plain is not None and plain.startswith(written[:at]):
                rest = plain[at:]
            else:
                rest = written[at:]
            if rest is not None and None not in behind:
                yield before + written[:at], rest + "".join(text for text in behind if text)


@given(documents())
@settings(deadline=None, max_examples=150)
def test_every_document_can_be_gone_on_with_from_every_place(document: tuple[Schema, list[Token]]) -> None:
    schema, tokens = document
    for prefix, rest in cuts(tokens):
        pattern = rest_pattern(schema, prefix)
        assert pattern is not None, prefix
        assert re.fullmatch(pattern, rest), (prefix, rest, pattern)
        assert (pattern == "") == (rest == "")


def finished(data: st.DataObject, pattern: str, prefix: str) -> Any:
    """Some document that begins with `prefix`, as the pattern has it."""
    text = prefix + data.draw(st.from_regex(re.compile(pattern), fullmatch=True))
    made = json.loads(text)
    # Half a surrogate pair passes as JSON and cannot be sent on.
    json.dumps(made, ensure_ascii=False).encode()
    return made


@given(st.data(), documents())
@settings(deadline=None, max_examples=200)
def test_whatever_fits_the_pattern_makes_a_document_of_the_schema(
    data: st.DataObject, document: tuple[Schema, list[Token]]
) -> None:
    schema, tokens = document
    whole = "".join(written for written, _ in tokens)
    prefix = whole[: data.draw(st.integers(0, len(whole)))]
    pattern = rest_pattern(schema, prefix)
    assert pattern is not None
    Draft202012Validator(without_patterns(schema)).validate(finished(data, pattern, prefix))


@given(st.data(), documents())
@settings(deadline=None, max_examples=200)
def test_a_beginning_with_a_mistake_gives_none_unless_it_is_none(
    data: st.DataObject, document: tuple[Schema, list[Token]]
) -> None:
    schema, tokens = document
    whole = "".join(written for written, _ in tokens)
    at = data.draw(st.integers(0, len(whole)))
    mistake = data.draw(st.sampled_from(["", "\\", '\\"', "\\ud83d", *'}]{[,:;"x1-.e\x00']))
    prefix = whole[:at] + mistake + whole[at + data.draw(st.integers(0, 2)) :][: data.draw(st.integers(0, 8))]
    if (pattern := rest_pattern(schema, prefix)) is not None:
        Draft202012Validator(without_patterns(schema)).validate(finished(data, pattern, prefix))


def test_nothing_yet_gives_the_pattern_of_the_whole_document() -> None:
    pattern = rest_pattern(one(maxLength=3), "")
    assert pattern == r'\{[ ]?"text"[ ]?:[ ]?"(?:[^"\\\x00-\x1F\x7F-\x9F]|\\["\\]){0,3}"[ ]?\}'


@pytest.mark.parametrize(
    "whole", ['{"text":"abc"}', ' {"text":"abc"}', '{"text":"abc"}\n', '{ "text" : "abc" } \r\n\t']
)
def test_a_whole_document_leaves_nothing_to_say(whole: str) -> None:
    assert rest_pattern(one(maxLength=3), whole) == ""


@pytest.mark.parametrize(
    "prefix",
    [
        "x",
        "[",
        '{"text":"abcd',
        '{"text":"abc\\',
        '{"text":"abc\\u00',
        '{"text":"a"',
        '{"text":"\\ud83d\\ude00"}',
        '{"title',
        '{"text":1',
        '{"text":"abc"}}',
        '{"text":"abc","more":1}',
        '{"text":"a\nb',
        '{"text":"\\x',
        '{"text":"\\u00g',
        '{"text":"\\ud83d ',
        '{"text":"\\ud83d\\n',
        '{"text":"\\ude00',
        '{"text":"\\ud83d\\u0041',
        "{'text",
        '{,"text"',
        "\ufeff{",
    ],
)
def test_what_no_document_begins_with_gives_none(prefix: str) -> None:
    assert rest_pattern(one(minLength=2, maxLength=3), prefix) is None


@pytest.mark.parametrize(
    ("begun", "rest", "fits"),
    [
        ("\\", "n", True),
        ("\\", "u00e9", True),
        ("\\", "ud83d\\ude00", True),
        ("\\", "x", False),
        ("\\u", "ude00", False),
        ("\\u00", "e9", True),
        ("\\u00", "e", False),
        ("\\ud", "7ff", True),
        ("\\ud", "83d", False),
        ("\\ud", "83d\\ude00", True),
        ("\\ud83d", "\\ude00", True),
        ("\\ud83d", "", False),
        ("\\ud83d", "\\u0041", False),
        ("\\ud83d\\", "ude00", True),
        ("\\ud83d\\u", "DE00", True),
        ("\\ud83d\\ude0", "0", True),
        ("\\ud83d\\ude0", "", False),
    ],
)
def test_an_escape_is_finished_first(begun: str, rest: str, fits: bool) -> None:
    pattern = rest_pattern(one(maxLength=1), f'{{"text":"{begun}')
    assert pattern is not None
    assert bool(re.fullmatch(pattern, f'{rest}"}}')) == fits
    assert not re.fullmatch(pattern, f'{rest}z"}}')


@pytest.mark.parametrize("text", ["é", "\\u00e9", "😀", "\\ud83d\\ude00", "\\n", '\\"', "\x7f"])
def test_an_escape_counts_as_the_one_code_point_it_stands_for(text: str) -> None:
    pattern = rest_pattern(one(minLength=3, maxLength=4), f'{{"text":"a{text}')
    assert pattern is not None
    assert [bool(re.fullmatch(pattern, "b" * count + '"}')) for count in range(4)] == [False, True, True, False]


def test_new_text_has_no_escapes_but_those_of_quote_and_backslash() -> None:
    pattern = rest_pattern(one(minLength=1), '{"text":"')
    assert pattern is not None
    fits = [
        bool(re.fullmatch(pattern, f'{text}"}}')) for text in ("\\\\", '\\"', "\\n", "\\u00e9", '"', "\\", "\n", "\x85")
    ]
    assert fits == [True, True, False, False, False, False, False, False]


def test_there_is_one_space_between_tokens_at_most() -> None:
    assert str(rest_pattern(one(), "{")).startswith('[ ]?"text"')
    assert str(rest_pattern(one(), "{ ")).startswith('"text"')
    assert str(rest_pattern(one(), "{\n\n")).startswith('"text"')
    assert str(rest_pattern(one(), "\n")).startswith(r"\{")


@pytest.mark.parametrize(
    ("kind", "begun", "rests", "no_rests"),
    [
        ("integer", "-", ["1", "0"], ["", "01", "-1"]),
        ("integer", "0", [""], ["1"]),
        ("integer", "12", ["", "34"], [".5", "e3"]),
        ("number", "1", ["", "2", ".5", "e3", "2.5e-3"], [".", "e"]),
        ("number", "1.", ["5", "5e3"], ["", "e3"]),
        ("number", "1.5e", ["3", "+3"], ["", "+"]),
        ("number", "1.5e-", ["3"], ["", "-3"]),
        ("number", "1.5e-3", ["", "4"], [".5"]),
    ],
)
def test_a_number_may_end_where_it_is_one(kind: str, begun: str, rests: list[str], no_rests: list[str]) -> None:
    pattern = rest_pattern(object_of({"n": {"type": kind}}), f'{{"n":{begun}')
    assert pattern is not None
    assert all(re.fullmatch(pattern, rest + "}") for rest in rests)
    assert not any(re.fullmatch(pattern, rest + "}") for rest in no_rests)


@pytest.mark.parametrize("text", ["01", "1.", "--1", "1e", "+1", ".5", "-"])
def test_what_is_no_number_gives_none(text: str) -> None:
    assert rest_pattern(object_of({"n": {"type": "number"}}), f'{{"n":{text},') is None
    assert rest_pattern(object_of({"n": {"type": "number"}}), f'{{"n":{text}}}') is None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": ["object"]},
        {"anyOf": [one()]},
        {"$ref": "#/$defs/ad"},
        object_of({}) | {"additionalProperties": True},
        object_of({}) | {"additionalProperties": {}},
        one() | {"required": []},
        one() | {"required": None},
        one() | {"required": ["text", "more"]},
        one() | {"patternProperties": {}},
        one(pattern="^a$"),
        one(format="date"),
        one(minLength=3, maxLength=2),
        one(maxLength=-1),
        one(maxLength="3"),
        one(maxLength=True),
        object_of({"a": True}),
        object_of({"a": {"type": "integer", "minimum": 1}}),
        object_of({"a": {"type": ["string", "null"]}}),
        object_of({"a": {"enum": []}}),
        object_of({"a": {"enum": "ab"}}),
        object_of({"a": {"enum": [["b"]]}}),
        object_of({"a": {"enum": [float("nan")]}}),
        object_of({"a": {"type": "integer", "enum": [True]}}),
        object_of({"a": {"type": ["string"], "enum": ["b"]}}),
        object_of({"a": {"type": "array", "items": {"type": "string"}}}),
        object_of({"a": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}}),
        object_of({"a": {"type": "array", "minItems": 1, "maxItems": 1}}),
        object_of({"a": {"type": "array", "items": {"type": "string"}, "minItems": 10**9, "maxItems": 10**9}}),
    ],
)
def test_a_schema_that_says_more_gives_none(schema: Schema) -> None:
    assert rest_pattern(schema, "") is None
    assert rest_pattern(schema, "{") is None


def test_a_schema_without_end_gives_none() -> None:
    schema = object_of({})
    schema["properties"]["again"] = schema
    schema["required"] = ["again"]
    assert rest_pattern(schema, "") is None


def test_what_a_schema_says_to_people_does_no_harm() -> None:
    assert rest_pattern(one(description="a", title="b", default="c") | {"$schema": "d"}, '{"text":""}') == ""


@pytest.mark.parametrize("format", load_formats().values(), ids=lambda format: format.id)
def test_the_ads_of_every_format_can_be_gone_on_with(format: Any) -> None:
    schema = json_schema(format, allowed_numbers=["1.9"])
    assert rest_pattern(schema, "") is not None
    name, value = next(iter(schema["properties"].items()))
    begun = '": ["' if value["type"] == "array" else '": "'
    pattern = rest_pattern(schema, f'{{"{name}{begun}Ab 1')
    assert pattern is not None
    re.compile(pattern)
