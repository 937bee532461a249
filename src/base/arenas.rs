//! How much memory that is free the allocator keeps to itself.

/// Lets all threads allocate from two arenas.
///
/// glibc gives each of the first threads one of its own, up to eight a processor, and what a thread has freed stays in its: a
/// service of which each of four threads once made a large answer would hold all four. Two are never waited for here (the
/// threads copy, and allocate little), and a service takes half of the memory. To be called before its threads are
/// started.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "there is no safe mallopt(3)")]
pub fn share() {
    // SAFETY: mallopt takes two numbers, and says by its result when it does not know the first. It is no matter for other
    // threads but for their first allocation, and the only one there is, that of the signals, waits for a signal.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Gives back to the system what is free: what a few long answers took would stay ours until the next ones.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "there is no safe malloc_trim(3)")]
pub fn give_back() {
    // SAFETY: malloc_trim takes a number, and may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators keep no arenas.
#[cfg(not(target_env = "gnu"))]
pub fn share() {}

/// Other allocators have their own ways.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
