//! Event queues.

use syscall::{openat, read, write, Event, EventFlags, EAGAIN, O_CLOEXEC, O_NONBLOCK, O_RDWR};

use super::files::Open;
use super::pipes::pipe;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Named, Outcome};

pub fn pipe_readable(start: &Start) -> Outcome {
    let flags = O_CLOEXEC | O_NONBLOCK | O_RDWR;
    let queue = Open(openat(start.namespace, "/scheme/event", flags, O_NONBLOCK).named("open of a queue")?);
    let (reader, writer) = pipe(start, 0)?;
    let wanted = Event { id: reader.0, flags: EventFlags::EVENT_READ, data: 77 };
    equal("registered", write(queue.0, &wanted).named("registration")?, 24)?;
    let mut event = Event::default();
    fails("nothing yet", read(queue.0, &mut event), EAGAIN)?;
    write(writer.0, b"x").named("write")?;
    equal("one event", read(queue.0, &mut event).named("read")?, 24)?;
    equal("its descriptor", event.id, reader.0)?;
    equal("its data", event.data, 77)?;
    holds("its flags", event.flags.contains(EventFlags::EVENT_READ))
}
