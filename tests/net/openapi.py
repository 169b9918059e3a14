"""Is it an OpenAPI 3.0 document, and do answers have the forms that it tells? The rules are those of the specification's
section 4.7, as far as our document uses them: what it does not use is not allowed here."""

import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _object(required, /, **properties):
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def _one_of(name):
    return {"oneOf": [{"$ref": "#/definitions/reference"}, {"$ref": f"#/definitions/{name}"}]}


def _map(value, pattern=".*"):
    return {"type": "object", "patternProperties": {pattern: value}, "additionalProperties": False}


TEXT, TRUTH, WHOLE = {"type": "string", "minLength": 1}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
NAME = "^[a-zA-Z0-9._-]+$"

META = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **_object(
        ["openapi", "info", "paths"],
        openapi={"type": "string", "pattern": r"^3\.0\.\d+$"},
        info=_object(["title", "version"], title=TEXT, version=TEXT, description=TEXT),
        servers={"type": "array", "items": _object(["url"], url=TEXT, description=TEXT)},
        security={"$ref": "#/definitions/security"},
        tags={"type": "array", "items": _object(["name"], name=TEXT, description=TEXT)},
        paths=_map(_object([], **{method: {"$ref": "#/definitions/operation"} for method in METHODS}), "^/"),
        components=_object(
            [], schemas=_map(_one_of("schema"), NAME), responses=_map(_one_of("response"), NAME),
            parameters=_map(_one_of("parameter"), NAME), headers=_map(_one_of("header"), NAME),
            securitySchemes=_map({"$ref": "#/definitions/scheme"}, NAME)),
    ),
    "definitions": {
        "reference": _object(["$ref"], **{"$ref": {"type": "string", "pattern": "^#/components/"}}),
        "security": {"type": "array", "items": _map({"type": "array", "items": TEXT})},
        "operation": _object(
            ["responses"], operationId=TEXT, summary=TEXT, description=TEXT,
            tags={"type": "array", "items": TEXT}, security={"$ref": "#/definitions/security"},
            parameters={"type": "array", "items": _one_of("parameter")},
            requestBody=_object(["content"], description=TEXT, required=TRUTH, content={"$ref": "#/definitions/content"}),
            responses={**_map(_one_of("response"), "^([1-5][0-9][0-9]|default)$"), "minProperties": 1}),
        "content": _map(_object([], schema=_one_of("schema"), example={}), "^[a-z]+/[a-z+.-]+$"),
        "response": _object(["description"], description=TEXT, content={"$ref": "#/definitions/content"},
                            headers=_map(_one_of("header"))),
        "header": _object([], description=TEXT, schema=_one_of("schema")),
        "parameter": {
            **_object(["name", "in"], name=TEXT, description=TEXT, required=TRUTH, schema=_one_of("schema"),
                      **{"in": {"enum": ["query", "header", "path", "cookie"]}}),
        },
        "scheme": {"oneOf": [
            _object(["type", "name", "in"], type={"const": "apiKey"}, name=TEXT, description=TEXT,
                    **{"in": {"enum": ["query", "header", "cookie"]}}),
            _object(["type", "scheme"], type={"const": "http"}, scheme=TEXT, description=TEXT, bearerFormat=TEXT),
        ]},
        "schema": _object(
            [], type={"enum": ["object", "array", "string", "number", "integer", "boolean"]}, description=TEXT,
            properties=_map(_one_of("schema")), required={"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
            additionalProperties={"oneOf": [TRUTH, *_one_of("schema")["oneOf"]]}, items=_one_of("schema"),
            oneOf={"type": "array", "items": _one_of("schema"), "minItems": 1},
            anyOf={"type": "array", "items": _one_of("schema"), "minItems": 1}, **{"not": _one_of("schema")}, enum={"type": "array", "minItems": 1},
            nullable=TRUTH, default={}, example={}, format=TEXT, pattern={"type": "string", "format": "regex"},
            minimum={"type": "number"}, maximum={"type": "number"}, exclusiveMinimum=TRUTH,
            minLength=WHOLE, maxLength=WHOLE, minItems=WHOLE, maxItems=WHOLE, maxProperties=WHOLE),
    },
}


def _references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def look_up(document, reference):
    for word in reference.removeprefix("#/").split("/"):
        document = document[word]
    return document


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def check(document):
    """Raises if it is no document."""
    jsonschema.Draft7Validator(META, format_checker=jsonschema.FormatChecker()).validate(document)
    used = set(_references(document))
    for reference in used:
        look_up(document, reference)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    schemes = document["components"]["securitySchemes"]
    for path, _, operation in operations(document):
        assert "{" not in path
        for one in operation.get("security", document.get("security", [])):
            assert set(one) <= set(schemes)
    for kind, things in document["components"].items():
        if kind != "securitySchemes":
            assert {f"#/components/{kind}/{name}" for name in things} <= used, "there is something that nothing uses"


def _as_json_schema(value, is_strict):
    """OpenAPI 3.0's dialect in that of JSON Schema. is_strict: nothing but what is told."""
    if isinstance(value, list):
        return [_as_json_schema(one, is_strict) for one in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, one in value.items():
        if name in ("properties", "schemas"):
            out[name] = {key: _as_json_schema(schema, is_strict) for key, schema in one.items()}
        elif name in ("example", "default", "enum", "required"):
            out[name] = one
        elif name == "exclusiveMinimum" and one is True:
            out["exclusiveMinimum"] = value["minimum"]
        else:
            out[name] = _as_json_schema(one, is_strict)
    if is_strict and "properties" in out and "additionalProperties" not in out:
        out["additionalProperties"] = False
    if out.pop("nullable", False):
        out = {"anyOf": [out, {"type": "null"}]}
    return out


def _validator(document, schema, is_strict):
    whole = {"components": {"schemas": _as_json_schema(document["components"]["schemas"], is_strict)},
             **_as_json_schema(schema, is_strict)}
    return jsonschema.Draft7Validator(whole, format_checker=jsonschema.FormatChecker())


def response_of(document, path, method, status):
    """What the document says about it; KeyError if nothing."""
    response = document["paths"][path][method.lower()]["responses"][str(status)]
    return look_up(document, response["$ref"]) if "$ref" in response else response


def check_answer(document, path, method, status, answer):
    """Has it the form that is told, and no more? Raises if not."""
    schema = response_of(document, path, method, status)["content"]["application/json"]["schema"]
    _validator(document, schema, is_strict=True).validate(answer)


def check_request(document, path, body):
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    _validator(document, schema, is_strict=False).validate(body)


def is_documented_header(document, path, method, status, name):
    headers = response_of(document, path, method, status).get("headers", {})
    return any(re.fullmatch(name, one, re.IGNORECASE) for one in headers)
