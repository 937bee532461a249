//! Sends messages of a file as UDP datagrams at a steady rate: `udp_load HOST:PORT FILE PER_SECOND COUNT`.
//!
//! The load of scripts/bench. FILE holds lines, or frames (a length of 8 bytes, little-endian, before each) when its name
//! ends in `.frames`. They are taken in turn, again and again; what was reached is printed as JSON.

use std::error::Error;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Long enough to sleep, short enough that a burst of 100,000 datagrams a second stays under 200.
const BREATH: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [to, file, per_second, count] = &args[..] else {
        return Err("usage: udp_load HOST:PORT FILE PER_SECOND COUNT".into());
    };
    let (per_second, count): (u64, u64) = (per_second.parse()?, count.parse()?);
    let bytes = fs::read(file)?;
    let messages = if file.ends_with(".frames") {
        frames(&bytes)
    } else {
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
    };
    let mut messages = messages.into_iter().cycle();
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to)?;
    let started = Instant::now();
    let mut sent = 0;
    while sent < count {
        let due = (started.elapsed().as_micros() as u64).saturating_mul(per_second) / 1_000_000;
        let due = due.min(count);
        for _ in sent..due {
            socket.send(messages.next().ok_or("the file is empty")?)?;
        }
        sent = due;
        thread::sleep(BREATH);
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = sent as f64 / seconds;
    writeln!(io::stdout(), "{{\"sent\":{sent},\"seconds\":{seconds:.3},\"per_second\":{rate:.0}}}")?;
    Ok(())
}

fn frames(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (frame, rest) = rest.split_at((u64::from_le_bytes(*length) as usize).min(rest.len()));
        frames.push(frame);
        bytes = rest;
    }
    frames
}
