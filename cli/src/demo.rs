pub fn run(_: u64, _: bool, _: bool) -> Result<(), crate::CommandError> {
    Ok(())
}
