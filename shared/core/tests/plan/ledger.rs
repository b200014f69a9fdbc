//! The record of a service: written only when it changes, and read back or started anew.

use portkeeper_core::ledger::LedgerRecord;

#[test]
fn placeholder() {
    assert_eq!(LedgerRecord::from_json("{\"schema\":1}").unwrap(), LedgerRecord::default());
}
