// The event scheme: registrations, edges, and queues in queues.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr uint64_t kRead = Ready::kEventRead;
constexpr uint64_t kWrite = Ready::kEventWrite;
constexpr uint64_t kRecord = sizeof(abi::Event);

std::array<abi::Event, 16> events;
char buffer[16];

uint64_t open_queue(uint64_t flags = Open::kRdwr | Open::kNonblock) {
    return OK(open_kernel(abi::GlobalSchemes::kEvent, "", flags));
}
uint64_t watch(uint64_t queue, uint64_t fd, uint64_t flags, uint64_t data) {
    const abi::Event event{fd, flags, data};
    return write(queue, &event, sizeof event);
}
uint64_t take(uint64_t queue) {
    return read(queue, events.data(), sizeof events);
}
void expect_event(std::size_t index, uint64_t fd, uint64_t flags, uint64_t data) {
    EXPECT(events[index].id, fd);
    EXPECT(events[index].flags, flags);
    EXPECT(events[index].data, data);
}

constexpr Probe kProbes[] = {
    {"empty-queue", "kernel:src/event.rs EventQueue::read",
     [] {
         const uint64_t queue = open_queue();
         EXPECT(take(queue), kEAGAIN);
         EXPECT(read(queue, buffer, 0), 0);
         EXPECT(read(queue, events.data(), kRecord - 1), kEINVAL);
     }},
    {"writes", "kernel:src/event.rs EventQueue::write",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(write(queue, events.data(), kRecord - 1), 0);
         EXPECT(watch(queue, kClosed, kRead, 1), kEBADF);
         EXPECT(watch(queue, queue, kRead, 1), kEBADF);
     }},
    {"bad-one-among-several", "kernel:src/event.rs EventQueue::write",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "a", 1), 1);
         const abi::Event two[] = {{pipe.reader, kRead, 7}, {kClosed, kRead, 8}};
         EXPECT(write(queue, two, sizeof two), kEBADF);
         EXPECT(take(queue), kRecord);
         expect_event(0, pipe.reader, kRead, 7);
     }},
    {"one-for-each-write", "kernel:src/event.rs trigger",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 100), kRecord);
         EXPECT(take(queue), kEAGAIN);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(write(pipe.writer, "b", 1), 1);
         EXPECT(take(queue), 2 * kRecord);
         expect_event(0, pipe.reader, kRead, 100);
         expect_event(1, pipe.reader, kRead, 100);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"ready-at-once", "kernel:src/event.rs EventQueue::write",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.writer, kWrite, 300), kRecord);
         EXPECT(take(queue), kRecord);
         expect_event(0, pipe.writer, kWrite, 300);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"edge-in-spite-of-readiness", "kernel:src/event.rs trigger",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "abc", 3), 3);
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(take(queue), kRecord);
         EXPECT(read(pipe.reader, buffer, 1), 1);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"registering-again-replaces", "kernel:src/event.rs register",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(watch(queue, pipe.reader, kRead, 2), kRecord);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(queue), kRecord);
         EXPECT(events[0].data, 1);
     }},
    {"registering-nothing-ends-it", "kernel:src/event.rs register",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(watch(queue, pipe.reader, 0, 0), kRecord);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"unknown-flags", "kernel:src/event.rs EventQueue::write",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, 0xfff0, 1), kRecord);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"two-descriptors-of-one-description", "kernel:src/event.rs register",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         const uint64_t copy = OK(dup(pipe.reader));
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(watch(queue, copy, kRead, 2), kRecord);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(queue), 2 * kRecord);
         EXPECT(events[0].data + events[1].data, 3);
     }},
    {"closing-one-keeps-its-registration", "kernel:src/context/file.rs FileDescriptor::close",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         const uint64_t copy = OK(dup(pipe.reader));
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(close(pipe.reader), 0);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(queue), kRecord);
         EXPECT(close(copy), 0);
         EXPECT(write(pipe.writer, "a", 1), kEPIPE);
         EXPECT(take(queue), kEAGAIN);
     }},
    {"the-other-end-goes", "kernel:src/scheme/pipe.rs close",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 1), kRecord);
         EXPECT(close(pipe.writer), 0);
         EXPECT(take(queue), kRecord);
         expect_event(0, pipe.reader, kRead, 1);
     }},
    {"room-in-a-pipe", "kernel:src/scheme/pipe.rs kread",
     [] {
         const uint64_t queue = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "abc", 3), 3);
         EXPECT(watch(queue, pipe.writer, kWrite, 1), kRecord);
         EXPECT(take(queue), kRecord);
         EXPECT(read(pipe.reader, buffer, 1), 1);
         EXPECT(take(queue), kRecord);
         expect_event(0, pipe.writer, kWrite, 1);
     }},
    {"always-writable", "kernel:src/scheme/event.rs fevent",
     [] {
         const uint64_t queue = open_queue();
         EXPECT(fevent(queue, 3), kWrite);
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.writer, kWrite, 1), kRecord);
         EXPECT(fevent(queue, 3), kWrite | kRead);
     }},
    {"queue-in-a-queue", "kernel:src/event.rs trigger",
     [] {
         const uint64_t inner = open_queue();
         const uint64_t outer = open_queue();
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(inner, pipe.reader, kRead, 1), kRecord);
         EXPECT(watch(outer, inner, kRead, 2), kRecord);
         EXPECT(take(outer), kEAGAIN);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(take(outer), kRecord);
         expect_event(0, inner, kRead, 2);
         EXPECT(take(inner), kRecord);
         expect_event(0, pipe.reader, kRead, 1);
     }},
    {"read-waits", "kernel:src/event.rs EventQueue::read",
     [] {
         static uint64_t queue;
         queue = open_queue(Open::kRdwr);
         const PipeEnds pipe = open_pipe();
         EXPECT(watch(queue, pipe.reader, kRead, 6), kRecord);
         const Context reader = Context::started([](uint64_t) { (void)take(queue); });
         reader.wait_for(Status::kBlocked);
         EXPECT(write(pipe.writer, "a", 1), 1);
         reader.wait_for_end();
         expect_event(0, pipe.reader, kRead, 6);
     }},
    {"other-operations", "kernel:src/scheme/mod.rs KernelScheme",
     [] {
         const uint64_t queue = open_queue();
         abi::Stat stat{};
         EXPECT(lseek(queue, 0, 2), kESPIPE);
         EXPECT(sc(abi::SYS_FSTAT, queue, &stat, sizeof stat), kEBADF);
         EXPECT(sc(abi::SYS_FPATH, queue, buffer, sizeof buffer), 14);
         EXPECT_TRUE(std::string_view(buffer, 14) == "/scheme/event/");
         EXPECT(dup(queue, "x"), kEOPNOTSUPP);
     }},
};

}  // namespace

Area event_area() {
    return {"event", "event queues", kProbes};
}

}  // namespace halfcell::userland::conform
