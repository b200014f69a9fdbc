//! Selects the webhook for an alert by the routes in the secret. No error contains the content of
//! the secret.

use crate::slack_post::SlackPost;
use portkeeper_core::code::Severity;
use serde::Deserialize;
use std::fmt;
use wildmatch::WildMatch;

/// The URL of a webhook. It is never printed: anyone who knows it can post to the channel.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Webhook(http::Uri);

impl Webhook {
    pub(crate) fn uri(&self) -> &http::Uri {
        &self.0
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(…)")
    }
}

/// The content of the secret.
#[derive(Debug, Clone)]
pub struct Routes {
    default: Option<Webhook>,
    routes: Vec<Route>,
}

#[derive(Debug, Clone)]
struct Route {
    name: String,
    severities: Vec<Severity>,
    service: Option<WildMatch>,
    owner: Option<WildMatch>,
    webhook: Webhook,
}

/// Why the secret cannot be used. No text contains its content.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableSecret {
    #[error(
        "the secret is neither a URL nor a JSON object with `default` and `routes` (it has {bytes} bytes)"
    )]
    NeitherUrlNorJson { bytes: usize },
    #[error(
        "the secret is JSON of an unexpected form, near line {line}, column {column}: it may have `default` (a URL) and `routes`, a list of objects with `url` and optionally `name`, `severity` (a list of critical, error, warning, info), `service`, `owner`"
    )]
    OtherJson { line: usize, column: usize },
    #[error("the secret's {which} is not a URL")]
    NotAUrl { which: String },
    #[error(
        "the secret's {which} does not begin with https://: without TLS the webhook is readable in transit"
    )]
    NotHttps { which: String },
    #[error("the secret contains no webhook")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretForm {
    default: Option<String>,
    #[serde(default)]
    routes: Vec<RouteForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteForm {
    name: Option<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    service: Option<String>,
    owner: Option<String>,
    url: String,
}

impl Routes {
    /// Reads a secret: a URL, or JSON with routes.
    pub fn from_secret(secret: &str) -> Result<Self, UnreadableSecret> {
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(UnreadableSecret::Empty);
        }
        if !secret.starts_with('{') {
            let neither = UnreadableSecret::NeitherUrlNorJson { bytes: secret.len() };
            let default = webhook(secret, "URL").map_err(|error| match error {
                UnreadableSecret::NotAUrl { .. } => neither,
                other => other,
            })?;
            return Ok(Self { default: Some(default), routes: Vec::new() });
        }
        let other = |error: serde_json::Error| UnreadableSecret::OtherJson {
            line: error.line(),
            column: error.column(),
        };
        let form: SecretForm = serde_json::from_str(secret).map_err(other)?;
        let default = form.default.as_deref().map(|url| webhook(url, "`default`")).transpose()?;
        let routes =
            form.routes.into_iter().enumerate().map(|(index, form)| route(index + 1, form));
        let routes: Vec<Route> = routes.collect::<Result<_, _>>()?;
        if default.is_none() && routes.is_empty() {
            return Err(UnreadableSecret::Empty);
        }
        Ok(Self { default, routes })
    }

    /// Returns the first matching route, or the default route, with its name.
    pub(crate) fn find(&self, post: &SlackPost) -> Option<(&str, &Webhook)> {
        let fits = |route: &&Route| {
            let matches = |pattern: &Option<WildMatch>, text: &str| {
                pattern.as_ref().is_none_or(|it| it.matches(text))
            };
            (route.severities.is_empty() || route.severities.contains(&post.severity))
                && matches(&route.service, &post.service)
                && matches(&route.owner, &post.owner)
        };
        let found =
            self.routes.iter().find(fits).map(|route| (route.name.as_str(), &route.webhook));
        found.or_else(|| Some(("default", self.default.as_ref()?)))
    }
}

fn route(number: usize, form: RouteForm) -> Result<Route, UnreadableSecret> {
    let name = form.name.unwrap_or_else(|| format!("route {number}"));
    let webhook = webhook(&form.url, &format!("`url` of {name}"))?;
    let pattern = |text: Option<String>| text.map(|text| WildMatch::new(&text));
    let (service, owner) = (pattern(form.service), pattern(form.owner));
    Ok(Route { name, severities: form.severity, service, owner, webhook })
}

/// Accepts https only, except for loopback addresses, where a test or a proxy may listen.
fn webhook(text: &str, which: &str) -> Result<Webhook, UnreadableSecret> {
    let not_a_url = || UnreadableSecret::NotAUrl { which: which.to_owned() };
    let uri: http::Uri = text.trim().parse().map_err(|_| not_a_url())?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(not_a_url());
    };
    let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    if scheme == "https" || (scheme == "http" && loopback) {
        Ok(Webhook(uri))
    } else {
        Err(UnreadableSecret::NotHttps { which: which.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use portkeeper_core::report::SlackMessage;

    fn post(severity: Severity, service: &str, owner: &str) -> SlackPost {
        SlackPost {
            summary: String::new(),
            message: SlackMessage::bare("x"),
            severity,
            service: service.to_owned(),
            owner: owner.to_owned(),
        }
    }

    #[test]
    fn the_first_matching_route_is_used() {
        let routes = Routes::from_secret(
            r#"{
                "default": "https://hooks.slack.com/services/T/B/default",
                "routes": [
                    {"name": "pay", "service": "shop/pay*", "severity": ["critical", "error"], "url": "https://hooks.slack.com/services/T/B/1"},
                    {"owner": "team-*", "url": "https://hooks.slack.com/services/T/B/2"}
                ]
            }"#,
        )
        .unwrap();
        let name = |post: &SlackPost| routes.find(post).unwrap().0.to_owned();
        assert_eq!(name(&post(Severity::Critical, "shop/payments", "")), "pay");
        assert_eq!(name(&post(Severity::Warning, "shop/payments", "")), "default");
        assert_eq!(name(&post(Severity::Warning, "shop/payments", "team-a")), "route 2");
        assert_eq!(name(&post(Severity::Info, "", "")), "default");
        let none =
            Routes::from_secret(r#"{"routes": [{"owner": "a", "url": "https://x/y"}]}"#).unwrap();
        assert!(none.find(&post(Severity::Critical, "shop/web", "b")).is_none());
    }

    #[test]
    fn errors_about_a_secret_do_not_contain_its_content() {
        let cases = [
            ("", "the secret contains no webhook"),
            ("{}", "the secret contains no webhook"),
            (
                "s3cret",
                "the secret is neither a URL nor a JSON object with `default` and `routes` (it has 6 bytes)",
            ),
            ("hooks.slack.com/s3cret", "the secret is neither a URL nor"),
            ("http://hooks.slack.com/s3cret", "the secret's URL does not begin with https://"),
            (
                r#"{"default": "ftp://x/s3cret"}"#,
                "the secret's `default` does not begin with https://",
            ),
            (
                r#"{"routes": [{"name": "pay", "url": "s3cret"}]}"#,
                "the secret's `url` of pay is not a URL",
            ),
            (r#"{"default": "https://x/s3cret", "rules": []}"#, "near line 1, column"),
            (r#"{"default": "https://x/s3cret""#, "near line 1, column"),
        ];
        for (secret, why) in cases {
            let error = Routes::from_secret(secret).unwrap_err().to_string();
            assert!(error.contains(why), "{secret}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        let routes = Routes::from_secret("https://hooks.slack.com/services/T/B/s3cret").unwrap();
        assert!(!format!("{routes:?}").contains("s3cret"), "{routes:?}");
        assert!(Routes::from_secret("http://127.0.0.1:80/x").is_ok());
    }
}
