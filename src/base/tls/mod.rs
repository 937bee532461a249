//! TLS: certificates and keys from PEM files, how servers and clients are set up, and a socket that speaks it.
//!
//! TLS 1.2 and 1.3 by rustls; no choice of ciphers is offered, because none of its are weak.

mod client;
mod files;
mod server;
mod socket;
mod why;

pub use client::{CLIENT_OPTIONS, ClientFiles, client};
pub use files::TlsError;
pub use server::{SERVER_OPTIONS, ServerFiles, ServerTls, server};
pub use socket::{Broken, Socket, TlsSocket};
