//! The memory that a body takes, as its bytes come.
//!
//! What a sender promises to send costs nothing; what it has sent does. So many bodies may be half there when all the
//! memory is taken, and none could go on: then one at a time does, in memory kept for it. It ends, and gives back what
//! it has; so some body always comes to its end.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use super::server::Shared;

/// A body's share of the memory, given back when it is dropped.
pub struct Memory {
    common: OwnedSemaphorePermit,
    /// The right to go on without a share.
    spare: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// That of a body of which nothing has come; none when the server is no more.
    pub fn new(shared: &Shared) -> Option<Memory> {
        let common = Arc::clone(&shared.memory).try_acquire_many_owned(0).ok()?;
        Some(Memory { common, spare: None })
    }

    /// Waits until there is room for so many bytes more; false when the server is no more.
    pub async fn grow(&mut self, bytes: usize, shared: &Shared) -> bool {
        if self.spare.is_some() {
            return true;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        match Arc::clone(&shared.memory).try_acquire_many_owned(bytes) {
            Ok(more) => {
                self.common.merge(more);
                return true;
            }
            Err(TryAcquireError::Closed) => return false,
            Err(TryAcquireError::NoPermits) => {}
        }
        tokio::select! {
            more = Arc::clone(&shared.memory).acquire_many_owned(bytes) => match more {
                Ok(more) => self.common.merge(more),
                Err(_) => return false,
            },
            spare = Arc::clone(&shared.spare).acquire_owned() => match spare {
                Ok(spare) => self.spare = Some(spare),
                Err(_) => return false,
            },
        }
        true
    }
}
