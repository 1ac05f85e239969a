//! A moving picture, as a GIF: after the first frame each has only the part that has changed.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use image::RgbaImage;

/// How carefully colours are chosen, 1 to 30; 1 is the slowest.
const COLOUR_SPEED: i32 = 10;

/// Tasks that say what they do, of different lengths, on more workers than a small machine has cores; two fail.
pub const JOB: &str = r##"Job(
    version: 1,
    name: "Develop photos",
    task: Command(r#"for step in 1 2 3 4 5; do
  echo pass $step of 5 over photo-{}.raw
  "$FANLANE" progress $((step * 20))%
  sleep 0.$((1 + {} * 7 % 4))
done
case {} in 17 | 29) echo photo-{}.raw: checksum does not match >&2; exit 1 ;; esac"#),
    inputs: [Range(1, 40)],
    workers: 6,
)"##;

/// Time for which the last frame is shown.
const LAST: Duration = Duration::from_secs(3);

/// Encodes frames that were taken at this interval, with so many left out that it has at most `max_bytes`.
pub fn encode_within(max_bytes: usize, frames: &[RgbaImage], interval: Duration) -> Result<Vec<u8>> {
    for every in 1..frames.len() {
        // The last one, the end of the run, stays in any case.
        let some: Vec<&RgbaImage> = frames.iter().rev().step_by(every).collect::<Vec<_>>().into_iter().rev().collect();
        let bytes = encode(&some, interval * u32::try_from(every)?)?;
        if bytes.len() <= max_bytes {
            return Ok(bytes);
        }
    }
    bail!("the moving picture is larger than {max_bytes} bytes with two frames")
}

/// Encodes frames of one size, each shown for `delay`, the last for [`LAST`]. It repeats for ever.
fn encode(frames: &[&RgbaImage], delay: Duration) -> Result<Vec<u8>> {
    ensure!(!frames.is_empty(), "a moving picture has a frame at least");
    let (width, height) = frames[0].dimensions();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, u16::try_from(width)?, u16::try_from(height)?, &[])?;
    encoder.set_repeat(Repeat::Infinite)?;
    for (place, picture) in frames.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| frames[before]);
        let [left, top, right, bottom] = before.map_or([0, 0, width, height], |before| changed(before, picture));
        let mut part = image::imageops::crop_imm(*picture, left, top, right - left, bottom - top).to_image();
        if let Some(before) = before {
            for (x, y, pixel) in part.enumerate_pixels_mut() {
                if before.get_pixel(left + x, top + y) == pixel {
                    // Transparent: what was there stays.
                    pixel.0 = [0; 4];
                }
            }
        }
        let size = [right - left, bottom - top].map(u16::try_from);
        let mut frame = Frame::from_rgba_speed(size[0]?, size[1]?, &mut part, COLOUR_SPEED);
        frame.left = u16::try_from(left)?;
        frame.top = u16::try_from(top)?;
        frame.dispose = DisposalMethod::Keep;
        // Hundredths of a second.
        let shown = if place + 1 == frames.len() { LAST } else { delay };
        frame.delay = u16::try_from(shown.as_millis() / 10)?;
        encoder.write_frame(&frame)?;
    }
    drop(encoder);
    Ok(bytes)
}

/// The smallest rectangle with all that differs: left, top, right, bottom; one pixel where nothing does.
fn changed(before: &RgbaImage, after: &RgbaImage) -> [u32; 4] {
    let differing = after.enumerate_pixels().filter(|(x, y, pixel)| before.get_pixel(*x, *y) != *pixel);
    let area = differing.fold(None, |area: Option<[u32; 4]>, (x, y, _)| {
        let [left, top, right, bottom] = area.unwrap_or([x, y, x + 1, y + 1]);
        Some([left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)])
    });
    area.unwrap_or([0, 0, 1, 1])
}
