//! One run for one spec at a time, and none for what was overtaken.
//!
//! A run takes the spec by writing its name into the record, under the condition that nobody wrote
//! since it was read. It lets go when it is done; a run that was killed has lost the spec at the
//! end of its time, long before its message comes back.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_aws::ledger::CommitError;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::{Object, is_newer};
use portkeeper_service_spec_aws::record::{self, Holder, SpecRecord, StoredSpec};

/// A spec that this run has to itself.
#[derive(Debug)]
pub(crate) struct SpecLock<'a> {
    deps: &'a Dependencies,
    /// The object's key.
    pub(crate) spec: String,
    stored: StoredSpec,
    /// An earlier run began with the same state of the object, and did not come to its end.
    pub(crate) resumed: bool,
}

/// What comes of trying to take a spec for a state of its object.
#[derive(Debug)]
pub(crate) enum Acquired<'a> {
    /// It is ours.
    Lock(Box<SpecLock<'a>>),
    /// This state was dealt with already.
    Processed,
    /// A later state was taken up already.
    Superseded,
}

impl<'a> SpecLock<'a> {
    /// Takes a spec for a state of its object.
    pub(crate) async fn acquire(
        deps: &'a Dependencies,
        object: &Object,
        deadline: Timestamp,
    ) -> Result<Acquired<'a>, Retry> {
        let stored =
            Box::pin(record::recall(&deps.aws, &deps.config.shared.ledger_table, &object.key))
                .await?;
        let known = stored.record.object.as_ref();
        let same = known.is_some_and(|known| is_same(known, object));
        if same && stored.record.status.is_some() {
            return Ok(Acquired::Processed);
        }
        let sequencer = |object: &Object| object.sequencer.clone();
        let newer = is_newer(object.sequencer.as_deref(), known.and_then(sequencer).as_deref());
        if !same && known.is_some() && !newer {
            return Ok(Acquired::Superseded);
        }
        let mut lock = Self { deps, spec: object.key.clone(), stored, resumed: same };
        let mut next = lock.record().clone();
        if !same {
            next.taken_at = Some(deps.aws.shared.now());
        }
        next.object = Some(object.clone());
        next.status = None;
        lock.begin(next, deadline).await?;
        Ok(Acquired::Lock(Box::new(lock)))
    }

    /// Takes a spec to go on with what was begun for it; none if there is nothing to go on with.
    pub(crate) async fn resume(
        deps: &'a Dependencies,
        spec: &str,
        deadline: Timestamp,
        is_due: impl Fn(&SpecRecord) -> bool,
    ) -> Result<Option<Box<Self>>, Retry> {
        let stored =
            Box::pin(record::recall(&deps.aws, &deps.config.shared.ledger_table, spec)).await?;
        if !is_due(&stored.record) {
            return Ok(None);
        }
        let mut lock = Self { deps, spec: spec.to_owned(), stored, resumed: true };
        let next = lock.record().clone();
        lock.begin(next, deadline).await?;
        Ok(Some(Box::new(lock)))
    }

    async fn begin(&mut self, next: SpecRecord, deadline: Timestamp) -> Result<(), Retry> {
        let now = self.deps.aws.shared.now();
        if self.record().holder.as_ref().is_some_and(|holder| holder.until > now) {
            return Err(Retry::Busy(self.spec.clone()));
        }
        let holder = Holder { run: format!("{:016x}", fastrand::u64(..)), until: deadline };
        self.store(SpecRecord { holder: Some(holder), ..next }).await
    }

    /// What is remembered.
    pub(crate) fn record(&self) -> &SpecRecord {
        &self.stored.record
    }

    /// Stores what is to be remembered. In a box, as everything here that calls AWS: these futures
    /// are large.
    pub(crate) async fn store(&mut self, next: SpecRecord) -> Result<(), Retry> {
        let table = &self.deps.config.shared.ledger_table;
        match Box::pin(record::commit(&self.deps.aws, table, &self.spec, &mut self.stored, next))
            .await
        {
            Err(CommitError::LostRace { .. }) => Err(Retry::Busy(self.spec.clone())),
            other => Ok(other?),
        }
    }

    /// Stores this as the end of the run.
    pub(crate) async fn finish(mut self, next: SpecRecord) -> Result<(), Retry> {
        self.store(SpecRecord { holder: None, ..next }).await
    }

    /// Lets go, so that the message that comes back need not wait. If that fails, the end of this
    /// run's time does it.
    pub(crate) async fn release(self, retry: Retry) -> Retry {
        let next = self.record().clone();
        if let Err(error) = self.finish(next).await {
            tracing::warn!(%error, "the spec is let go of only at the end of this run's time");
        }
        retry
    }
}

/// The same event twice. Without a sequencer the version says it.
fn is_same(known: &Object, object: &Object) -> bool {
    let what =
        |it: &Object| (it.change, it.version_id.clone(), it.sequencer.clone(), it.etag.clone());
    (object.sequencer.is_some() || object.version_id.is_some()) && what(known) == what(object)
}
