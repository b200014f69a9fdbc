//! The caller of an API call, so that you know whom to ask. It contains no access key and no
//! internal id.

use crate::others::Others;
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};
use std::fmt;

text_enum! {
    /// The kind of a caller.
    ActorKind {
        User = "iam_user",
        Role = "role",
        Root = "root",
        Federated = "federated_user",
        IdentityCenter = "identity_center_user",
        Account = "aws_account",
        Service = "aws_service",
    }
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The name of the user, the role, the service; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The name of the role session: often a person's address, an instance or a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The AWS service that made the call on behalf of the caller, such as `CloudFormation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Members that only another version knows.
    #[serde(flatten)]
    pub others: Others,
}

/// IAM's names have up to 64 characters; of other names this many are enough to recognize them.
const LONGEST_NAME: usize = 100;

impl Actor {
    #[must_use]
    pub fn new(kind: ActorKind, name: &str) -> Self {
        Self { kind, name: clean(name), session: None, through: None, others: Others::default() }
    }

    /// Whether a person made the call, as far as the identity shows: a user, or the session of a
    /// role that IAM Identity Center or an address names. A call on behalf of an AWS service, or in
    /// another role session, is a tool's.
    #[must_use]
    pub fn is_person(&self) -> bool {
        let in_person = || self.session.as_deref().is_some_and(|session| session.contains('@'));
        self.through.is_none()
            && match self.kind {
                ActorKind::User
                | ActorKind::Root
                | ActorKind::Federated
                | ActorKind::IdentityCenter => true,
                ActorKind::Role => self.name.starts_with("AWSReservedSSO_") || in_person(),
                ActorKind::Account | ActorKind::Service | ActorKind::Unknown(_) => false,
            }
    }

    #[must_use]
    pub fn in_session(self, session: Option<&str>) -> Self {
        Self { session: session.map(clean).filter(|session| !session.is_empty()), ..self }
    }

    #[must_use]
    pub fn through(self, service: Option<&str>) -> Self {
        Self {
            through: service
                .map(clean)
                .filter(|service| *service != self.name && !service.is_empty()),
            ..self
        }
    }
}

impl fmt::Display for Actor {
    /// In words: `IAM user alice`, `role Admin (bob@example.com)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            ActorKind::User => "IAM user",
            ActorKind::Role => "role",
            ActorKind::Root => "the account's root user",
            ActorKind::Federated => "federated user",
            ActorKind::IdentityCenter => "IAM Identity Center user",
            ActorKind::Account => "AWS account",
            ActorKind::Service => "AWS service",
            ActorKind::Unknown(kind) => kind,
        };
        f.write_str(what)?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        if let Some(session) = &self.session {
            write!(f, " ({session})")?;
        }
        self.through.iter().try_for_each(|service| write!(f, " through {service}"))
    }
}

/// On one line, not too long, and without anything that looks like an access key: a name may
/// contain anything.
fn clean(text: &str) -> String {
    let line = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let line: String = line.take(LONGEST_NAME).collect();
    let words = line.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    words.map(without_key).collect::<String>().trim().to_owned()
}

/// Access key ids begin with AKIA or ASIA and have twenty capital letters and digits ([unique
/// identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html)).
fn without_key(word: &str) -> String {
    let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let looks_like_key = (bare.starts_with("AKIA") || bare.starts_with("ASIA"))
        && bare.len() >= 16
        && bare.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
    if looks_like_key { word.replace(bare, "(key)") } else { word.to_owned() }
}
