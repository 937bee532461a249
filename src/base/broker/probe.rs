//! Why a broker hangs up on us: the library logs in without saying that it understands a refusal, and RabbitMQ then
//! closes the socket without a word. One login by hand, by AMQP 0-9-1's grammar (4.2), asks for the word.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Place;
use super::tls::connector;

/// The first frames of a broker are a few hundred bytes; what is longer is no broker.
const FRAME_BYTES_MAX: u32 = 128 * 1024;
const METHOD_FRAME: u8 = 1;
const FRAME_END: u8 = 0xCE;
/// Class and method of `connection.start-ok` and `connection.close`.
const START_OK: [u8; 4] = [0, 10, 0, 11];
const CLOSE: [u8; 4] = [0, 10, 0, 50];

/// What the broker says to a login; none when it lets us in, or nothing could be learnt.
pub async fn refusal(place: &Place, host: &str, port: u16) -> Option<String> {
    let stream = TcpStream::connect((host, port)).await.ok()?;
    match place.tls() {
        None => ask(stream, place).await,
        Some(tls) => {
            let name = ServerName::try_from(host.to_owned()).ok()?;
            ask(connector(tls).ok()?.connect(name, stream).await.ok()?, place).await
        }
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, place: &Place) -> Option<String> {
    stream.write_all(b"AMQP\0\0\x09\x01").await.ok()?;
    frame(&mut stream).await?;
    stream.write_all(&login(place.user(), place.password())?).await.ok()?;
    stream.flush().await.ok()?;
    let answer = frame(&mut stream).await?;
    // The code, then a short string.
    let text = answer.strip_prefix(&CLOSE)?.get(2..)?;
    let (&length, text) = text.split_first()?;
    Some(String::from_utf8_lossy(text.get(..usize::from(length))?).into_owned())
}

/// The payload of the next frame.
async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    if head[0] != METHOD_FRAME || length > FRAME_BYTES_MAX {
        return None;
    }
    let mut payload = vec![0; length as usize + 1];
    stream.read_exact(&mut payload).await.ok()?;
    payload.pop().filter(|end| *end == FRAME_END)?;
    Some(payload)
}

/// `connection.start-ok` that says that we understand a refusal.
fn login(user: &str, password: &str) -> Option<Vec<u8>> {
    let short = |text: &str, out: &mut Vec<u8>| {
        out.push(text.len() as u8);
        out.extend_from_slice(text.as_bytes());
    };
    let long = |bytes: &[u8], out: &mut Vec<u8>| {
        out.extend(u32::try_from(bytes.len()).ok()?.to_be_bytes());
        out.extend_from_slice(bytes);
        Some(())
    };
    let mut capabilities = Vec::new();
    short("authentication_failure_close", &mut capabilities);
    capabilities.extend([b't', 1]);
    let mut properties = Vec::new();
    short("capabilities", &mut properties);
    properties.push(b'F');
    long(&capabilities, &mut properties)?;
    let mut payload = START_OK.to_vec();
    long(&properties, &mut payload)?;
    short("PLAIN", &mut payload);
    long(format!("\0{user}\0{password}").as_bytes(), &mut payload)?;
    short("en_US", &mut payload);
    let mut frame = vec![METHOD_FRAME, 0, 0];
    long(&payload, &mut frame)?;
    frame.push(FRAME_END);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Address, Failure};

    fn place() -> Result<Place, Failure> {
        match Address::parse("amqp://me:secret@h/")? {
            Address::Url(url) => Place::of_url(&url, "test"),
            other => panic!("{other:?}"),
        }
    }

    fn said(answers: &[u8]) -> Option<String> {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            theirs.write_all(answers).await.unwrap();
            theirs.shutdown().await.unwrap();
            ask(ours, &place().unwrap()).await
        })
    }

    /// A method frame.
    fn method(payload: &[u8]) -> Vec<u8> {
        [&[1, 0, 0, 0, 0, 0, payload.len() as u8][..], payload, &[0xCE]].concat()
    }

    #[test]
    fn a_refusal_is_heard_and_everything_else_is_none() {
        let start = method(&[0, 10, 0, 10]);
        let close = method(b"\0\x0a\0\x32\x01\x93\x04NOPE\0\0\0\0");
        assert_eq!(said(&[&start[..], &close].concat()).unwrap(), "NOPE");
        assert_eq!(said(&[&start[..], &method(&[0, 10, 0, 30])].concat()), None);
        for end in 0..start.len() + close.len() {
            assert_eq!(said(&[&start[..], &close].concat()[..end]), None, "{end}");
        }
        assert_eq!(said(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None);
    }
}
