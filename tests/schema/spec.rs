//! `docs/service-spec.schema.json`: it accepts what the program accepts, refuses unknown members,
//! and agrees with the shapes that the program validates specs against.

use portkeeper_service_spec::problem::ProblemCode;
use portkeeper_service_spec::validate;
use portkeeper_tests::yaml;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The shapes that the program validates specs against.
const SHAPES: [&str; 2] = [
    include_str!("../../shared/service-spec/src/shapes/aws.txt"),
    include_str!("../../shared/service-spec/src/shapes/own.txt"),
];

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/service-spec.schema.json")).unwrap()
}

/// Returns the spec files of a folder as an editor parses them.
fn files(folder: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, yaml::to_json(&text))
    };
    paths.map(read).collect()
}

fn errors(document: &Value) -> Vec<String> {
    let validator = jsonschema::draft7::new(&schema()).unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_schema_takes_the_examples() {
    let examples = files("specs");
    assert!(examples.len() >= 6);
    for (path, document) in examples {
        assert_eq!(errors(&document), [""; 0], "{}", path.display());
    }
}

/// Editors accept the spellings that the program accepts.
#[test]
fn the_schema_takes_numbers_as_texts_and_texts_as_numbers() {
    let document = json!({
        "x-base": {"anything": [1]},
        "cluster": "shop",
        "taskDefinition": {"family": "hello", "cpu": 256, "containerDefinitions": [
            {"name": "web", "image": "nginx", "memory": "128", "privileged": "true", "environment": [{"name": "PORT", "value": 80}]}
        ]},
        "service": {"serviceName": "hello", "desiredCount": "2"}
    });
    assert_eq!(errors(&document), [""; 0]);
    let (spec, problems) = validate("a.json", document.to_string().as_bytes());
    assert!(spec.is_some(), "{problems:?}");
}

/// The schema has no rules between members; it refuses unknown members as the program does.
#[test]
fn the_schema_refuses_unknown_members() {
    let refused = files("specs/broken")
        .into_iter()
        .filter(|(_, document)| !errors(document).is_empty())
        .count();
    assert!(refused >= 4, "{refused}");
    for (_, document) in files("specs") {
        for pointer in [
            "",
            "/service",
            "/taskDefinition",
            "/taskDefinition/containerDefinitions/0",
            "/loadBalancing/0",
        ] {
            let mut changed = document.clone();
            changed.pointer_mut(pointer).unwrap()["nobodyKnows"] = json!(1);
            assert_eq!(errors(&changed).len(), 1, "{pointer}");
            let (spec, problems) = validate("a.json", changed.to_string().as_bytes());
            assert!(
                spec.is_none()
                    && problems.len() == 1
                    && problems[0].code == ProblemCode::UnknownMember,
                "{problems:?}"
            );
        }
    }
}

/// Each structure has one definition with the same members, and the same ones are required.
#[test]
fn the_schema_says_the_same_as_the_shapes() {
    let schema = schema();
    let mut structures: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    let mut current = "";
    for line in SHAPES.iter().flat_map(|text| text.lines()) {
        let code = line.split(" -- ").next().unwrap();
        let words: Vec<&str> = code.split_whitespace().collect();
        match words.as_slice() {
            ["structure" | "extend", name, ..] if !code.starts_with(' ') => {
                current = name;
                structures.entry(name).or_default();
            }
            [name, _, rest @ ..] if code.starts_with("  ") => {
                structures.get_mut(current).unwrap().insert(name, rest.contains(&"required"));
            }
            _ => {}
        }
    }
    assert!(structures.len() > 80, "{}", structures.len());
    for (name, members) in structures {
        let definition = if name == "Spec" { &schema } else { &schema["definitions"][name] };
        assert_eq!(definition["additionalProperties"], json!(false), "{name}");
        let properties: BTreeSet<&str> =
            definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(properties, members.keys().copied().collect(), "{name}");
        let required =
            definition["required"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap());
        let wanted = members.iter().filter(|(_, required)| **required).map(|(name, _)| *name);
        assert_eq!(required.collect::<BTreeSet<_>>(), wanted.collect(), "{name}");
    }
}

/// Nearly every member has a description that editors show.
#[test]
fn members_have_descriptions() {
    let schema = schema();
    let definitions = schema["definitions"].as_object().unwrap().values().chain([&schema]);
    let members: Vec<&Value> = definitions
        .filter_map(|it| it["properties"].as_object())
        .flat_map(|it| it.values())
        .collect();
    let described = members.iter().filter(|member| member["description"].is_string()).count();
    assert!(described * 10 > members.len() * 9, "{described} of {}", members.len());
}
