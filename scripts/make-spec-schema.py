#!/usr/bin/env python3
"""Generates the shapes of a spec from AWS's API model.

It writes three files from the same data: docs/service-spec.schema.json for editors, the shapes with which the
program reads specs (shared/service-spec/src/shapes/aws.txt), and those with which the simulated account validates
inputs (shared/world/src/ecs/shapes.txt). shapes/own.txt contains Portkeeper's own shapes.

  pip install botocore==1.44.8
  scripts/make-spec-schema.py            writes the files
  scripts/make-spec-schema.py --check    fails if the files are outdated
"""

import html
import json
import re
import sys
from pathlib import Path

import botocore
from botocore.loaders import Loader

# Another version has other members: the generated files name their version.
BOTOCORE = "1.44.8"
ROOT = Path(__file__).resolve().parent.parent
SHAPES = ROOT / "shared/service-spec/src/shapes"
SCHEMA = ROOT / "docs/service-spec.schema.json"
# The inputs that a spec contains.
INPUTS = ["RegisterTaskDefinitionRequest", "CreateServiceRequest"]
# The simulated account also validates updates.
WORLD_SHAPES = ROOT / "shared/world/src/ecs/shapes.txt"
WORLD_INPUTS = [*INPUTS, "UpdateServiceRequest"]
# The longest description that editors show.
LONGEST_DESCRIPTION = 400
KINDS = {"integer": "integer", "long": "integer", "float": "double", "double": "double", "boolean": "boolean"}


def reached(shapes, names):
    """Returns every shape that these inputs contain, in the order of their names."""
    seen, ahead = set(), list(names)
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        shape = shapes[name]
        ahead += [member["shape"] for member in shape.get("members", {}).values()]
        ahead += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
    return sorted(seen)


def limits(shape):
    """Returns `1..5`, or an empty string."""
    if "min" not in shape and "max" not in shape:
        return ""
    low, high = shape.get("min", ""), shape.get("max", "")
    return f" {low}..{high}"


def aws_lines(model, inputs):
    """Returns AWS's shapes in the language of shapes/*.txt."""
    shapes = model["shapes"]
    for name in reached(shapes, inputs):
        shape = shapes[name]
        kind = shape["type"]
        if kind == "structure" and shape.get("document"):
            yield f"document {name}"
        elif kind == "structure":
            yield f"structure {name}" + (" sensitive" if shape.get("sensitive") else "")
            for member, target in shape["members"].items():
                required = " required" if member in shape.get("required", []) else ""
                yield f"  {member} {target['shape']}{required}"
        elif kind == "list":
            yield f"list {name} {shape['member']['shape']}{limits(shape)}" + (
                " sensitive" if shape.get("sensitive") else ""
            )
        elif kind == "map":
            yield f"map {name} {shape['value']['shape']}"
        elif kind == "string":
            values = "|".join(shape.get("enum", []))
            yield f"string {name}" + (f" {values}" if values else limits(shape))
        else:
            yield f"{KINDS[kind]} {name}{limits(shape)}"


def plain(text):
    """Returns the beginning of AWS's text, without markup, up to the end of a sentence."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", text or ""))
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ([.,;:])", r"\1", text)
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    end = text.rfind(". ", 0, LONGEST_DESCRIPTION)
    return text[: end + 1] if end > 0 else text[:LONGEST_DESCRIPTION].rsplit(" ", 1)[0] + " ..."


def described(model):
    """Returns AWS's text for each member: (structure, member) -> text."""
    for name in reached(model["shapes"], INPUTS):
        for member, target in model["shapes"][name].get("members", {}).items():
            yield (name, member), plain(target.get("documentation"))


def parse(lines, words):
    """Parses the language of shapes/*.txt: name -> shape. The text after `--` goes into `words`."""
    shapes, current = {}, None
    for line in lines:
        code, _, said = line.partition(" -- ")
        parts = code.split()
        if not parts or parts[0].startswith("#"):
            continue
        if line.startswith("  "):
            current["members"][parts[0]] = {"shape": parts[1], "required": "required" in parts[2:]}
            if said:
                words[(current["name"], parts[0])] = said.strip()
        elif parts[0] == "extend":
            current = shapes[parts[1]]
        elif parts[0] != "names":
            current = {"kind": parts[0], "name": parts[1], "rest": parts[2:], "members": {}}
            shapes[parts[1]] = current
            if said:
                words[(parts[1], None)] = said.strip()
    return shapes


def bounds(rest):
    """Returns `1..5` among these words as two numbers, each of which can be absent."""
    for word in rest:
        if ".." in word:
            low, high = word.split("..")
            return (int(low) if low else None, int(high) if high else None)
    return (None, None)


def limited(schema, rest, names):
    """Returns the schema with its limits under these names."""
    for name, bound in zip(names, bounds(rest)):
        if bound is not None:
            schema[name] = bound
    return schema


def schema_of(shape, words):
    """Returns one definition. It accepts what the program accepts, including numbers and booleans as strings and vice versa."""
    kind, rest = shape["kind"], shape["rest"]
    if kind == "document":
        return {}
    if kind == "either":
        return {"anyOf": [reference(name) for name in rest]}
    if kind == "list":
        return limited({"type": "array", "items": reference(rest[0])}, rest[1:], ("minItems", "maxItems"))
    if kind == "map":
        return {"type": "object", "additionalProperties": reference(rest[0])}
    if kind == "boolean":
        return {"enum": [True, False, "true", "false"]}
    if kind == "integer":
        schema = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
        return limited(schema, rest, ("minimum", "maximum"))
    if kind == "double":
        return limited({"type": ["number", "string"], "pattern": "^-?[0-9.]+$"}, rest, ("minimum", "maximum"))
    if kind == "string":
        if rest and ".." not in rest[0]:
            return {"enum": rest[0].split("|")}
        return limited({"type": ["string", "number", "boolean"]}, rest, ("minLength", "maxLength"))
    members = shape["members"]
    schema = {"type": "object"}
    if (shape["name"], None) in words:
        schema["description"] = words[(shape["name"], None)]
    schema["properties"] = {name: member_schema(shape["name"], name, member, words) for name, member in members.items()}
    schema["additionalProperties"] = False
    required = [name for name, member in members.items() if member["required"]]
    if required:
        schema["required"] = required
    return schema


def reference(name):
    """Returns the reference to a shape."""
    return {"$ref": f"#/definitions/{name}"}


def member_schema(structure, name, member, words):
    """Returns the schema of a member. Draft 7 ignores members next to a `$ref`, so a description needs `allOf`."""
    said = words.get((structure, name))
    return {"description": said, "allOf": [reference(member["shape"])]} if said else reference(member["shape"])


def make():
    """Returns the three files: path -> text."""
    model = Loader().load_service_model("ecs", "service-2")
    head = f"# Made by scripts/make-spec-schema.py from the API model of botocore {BOTOCORE}. Do not edit.\n"
    aws = list(aws_lines(model, INPUTS))
    # The members of an existing service that can change.
    aws.append("names UpdateServiceRequest " + " ".join(model["shapes"]["UpdateServiceRequest"]["members"]))
    world = list(aws_lines(model, WORLD_INPUTS))
    own = (SHAPES / "own.txt").read_text(encoding="utf-8").splitlines()
    words = dict(described(model))
    shapes = parse(aws + own, words)
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Portkeeper service spec",
        "$comment": f"Made by scripts/make-spec-schema.py from the API model of botocore {BOTOCORE}.",
    }
    schema |= schema_of(shapes["Spec"], words)
    # Members for YAML anchors, as in Compose files.
    schema["patternProperties"] = {"^x-": {}}
    schema["definitions"] = {name: schema_of(shape, words) for name, shape in sorted(shapes.items()) if name != "Spec"}
    text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    return {
        SHAPES / "aws.txt": head + "\n".join(aws) + "\n",
        SCHEMA: text,
        WORLD_SHAPES: head + "\n".join(world) + "\n",
    }


def main():
    if botocore.__version__ != BOTOCORE:
        sys.exit(f"this needs botocore {BOTOCORE}, but {botocore.__version__} is installed")
    checks = sys.argv[1:] == ["--check"]
    for path, text in make().items():
        if not checks:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(ROOT)} differs from the API model: run scripts/make-spec-schema.py")


if __name__ == "__main__":
    main()
