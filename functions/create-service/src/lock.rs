//! One run at a time for each spec, and none for a version that a later one superseded.
//!
//! A run locks the spec with a conditional write of its name into the record: the write fails if
//! the record changed since it was read. The run releases the lock when it is done. If the run is
//! interrupted, the lock expires at the run's deadline, long before its message reappears.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_aws::ledger::CommitError;
use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::{SpecObject, is_newer};
use portkeeper_service_spec_aws::record::{self, Holder, SpecRecord, StoredSpec};

/// This run's lock on a spec.
#[derive(Debug)]
pub(crate) struct SpecLock<'a> {
    deps: &'a Dependencies,
    /// The object's key.
    pub(crate) spec: String,
    stored: StoredSpec,
    /// An earlier run started with the same version of the object and did not finish.
    pub(crate) resumed: bool,
}

/// The result of an attempt to lock a spec for a version of its object.
#[derive(Debug)]
pub(crate) enum Acquired<'a> {
    Lock(Box<SpecLock<'a>>),
    /// An earlier run processed this version.
    Processed,
    /// An earlier run started with a later version.
    Superseded,
}

impl<'a> SpecLock<'a> {
    /// Locks a spec for a version of its object.
    pub(crate) async fn acquire(
        deps: &'a Dependencies,
        object: &SpecObject,
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
        let sequencer = |object: &SpecObject| object.sequencer.clone();
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

    /// Locks a spec to continue what an earlier run started. Returns none if `is_due` says that
    /// there is nothing to continue.
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

    pub(crate) fn record(&self) -> &SpecRecord {
        &self.stored.record
    }

    /// Stores the record. The call is boxed, like every AWS call here, because these futures are
    /// large.
    pub(crate) async fn store(&mut self, next: SpecRecord) -> Result<(), Retry> {
        let table = &self.deps.config.shared.ledger_table;
        match Box::pin(record::commit(&self.deps.aws, table, &self.spec, &mut self.stored, next))
            .await
        {
            Err(CommitError::LostRace { .. }) => Err(Retry::Busy(self.spec.clone())),
            other => Ok(other?),
        }
    }

    /// Stores the record and releases the lock.
    pub(crate) async fn finish(mut self, next: SpecRecord) -> Result<(), Retry> {
        self.store(SpecRecord { holder: None, ..next }).await
    }

    /// Releases the lock, so that the retried message need not wait. If that fails, the lock
    /// expires at this run's deadline.
    pub(crate) async fn release(self, retry: Retry) -> Retry {
        let next = self.record().clone();
        if let Err(error) = self.finish(next).await {
            tracing::warn!(%error, "cannot release the lock on the spec: it expires at this run's deadline");
        }
        retry
    }
}

/// Whether S3 delivered the same event twice. An event without a sequencer is compared by version.
fn is_same(known: &SpecObject, object: &SpecObject) -> bool {
    let what =
        |it: &SpecObject| (it.change, it.version_id.clone(), it.sequencer.clone(), it.etag.clone());
    (object.sequencer.is_some() || object.version_id.is_some()) && what(known) == what(object)
}
