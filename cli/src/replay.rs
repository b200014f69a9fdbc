use std::path::Path;
pub fn run(_: &Path, _: bool) -> Result<(), crate::CommandError> {
    Ok(())
}
