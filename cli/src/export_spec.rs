//! `portkeeper export-spec`: prints a spec of an existing service as YAML or JSON. It writes nothing
//! to AWS.

use crate::CommandError;
use crate::check_spec::AccountOptions;
use crate::exit::Exit;
use portkeeper_service_spec::export;
use portkeeper_service_spec::found::Found;
use portkeeper_service_spec::references::References;
use portkeeper_service_spec_aws::find::find;
use saphyr::{Mapping, Scalar, Yaml, YamlEmitter};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write as _};

/// The order of the members in the output.
const ORDER: [&str; 4] = ["cluster", "taskDefinition", "service", "scaling"];

/// The options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Cluster, by name or ARN.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Name of the service.
    #[arg(long, value_name = "NAME")]
    service: String,
    /// Print JSON instead of YAML.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    account: AccountOptions,
}

/// Prints the spec.
pub fn run(options: &Options) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(read(options))?;
    let named = format!("{}/{}", options.cluster, options.service);
    if let Some(gap) = found.gaps.first() {
        let missing = if gap.denied {
            format!("{} (it requires the IAM permission {})", gap.why, gap.action)
        } else {
            gap.why.clone()
        };
        return Err(CommandError::NotRead { what: named, why: missing });
    }
    let spec = export(&options.cluster, &found)
        .map_err(|source| CommandError::NotExported { what: named, source })?;
    let mut out = anstream::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &spec).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        out.write_all(yaml(&spec).as_bytes())?;
    }
    Ok(Exit::Clean)
}

/// Reads the service first, because it names its task definition.
async fn read(options: &Options) -> Result<Found, CommandError> {
    let aws = options.account.open().await?;
    let references = References {
        cluster: options.cluster.clone(),
        service: options.service.clone(),
        ..References::default()
    };
    let found = find(&aws, &references).await;
    let runs = found
        .service
        .as_ref()
        .and_then(|service| service.shown.get("taskDefinition"))
        .and_then(Value::as_str);
    let Some(task_definition) = runs.map(str::to_owned) else { return Ok(found) };
    Ok(find(&aws, &References { task_definition, ..references }).await)
}

/// Returns the spec as YAML, with its members in [`ORDER`].
fn yaml(spec: &Value) -> String {
    let mut text = String::new();
    let names: BTreeSet<&str> = spec
        .as_object()
        .into_iter()
        .flat_map(|members| members.keys().map(String::as_str))
        .collect();
    for name in ORDER.into_iter().filter(|name| names.contains(name)) {
        let mut member = Mapping::new();
        member.insert(
            Yaml::Value(Scalar::String(name.into())),
            node(spec.get(name).unwrap_or(&Value::Null)),
        );
        let mut part = String::new();
        // Writing to a String cannot fail, and YAML can represent every JSON value.
        let _ = YamlEmitter::new(&mut part).dump(&Yaml::Mapping(member));
        text.push_str(part.strip_prefix("---\n").unwrap_or(&part));
        text.push('\n');
    }
    text
}

fn node(value: &Value) -> Yaml<'static> {
    match value {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Bool(value) => Yaml::Value(Scalar::Boolean(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Yaml::Value(Scalar::Integer(number)),
            None => Yaml::Value(Scalar::FloatingPoint(number.as_f64().unwrap_or_default().into())),
        },
        Value::String(text) => Yaml::Value(Scalar::String(text.clone().into())),
        Value::Array(values) => Yaml::Sequence(values.iter().map(node).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                (Yaml::Value(Scalar::String(name.clone().into())), node(value))
            });
            Yaml::Mapping(members.collect())
        }
    }
}
