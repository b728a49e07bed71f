#pragma once

// What the supervisor and the stub agree on: where things lie in every guest, and the command page.
//
// The command page has one writer, the supervisor; the guest maps it readable. The stub therefore believes
// all of it. In the other direction there is one eventfd per process that only the agent can write: guest
// threads give up their descriptors at birth. What it says is believed too; that no guest store can change a
// report is why the stub writes reports from a read-only table instead of from memory of its own.
//
// Included by stub.S as well: plain macros up to the #ifndef.

// Fixed guest addresses, inside machine::kReservedRange.
#define HC_STUB_CODE 0x7fffe0000000
#define HC_STUB_CODE_SIZE 0x1000
#define HC_STUB_TABLE 0x7fffe0010000
#define HC_STUB_TABLE_SIZE 0x19000
#define HC_COMMAND_PAGE 0x7fffe0040000
#define HC_COMMAND_PAGE_SIZE 0x1000
#define HC_THREAD_AREAS 0x7fffe1000000
#define HC_THREAD_AREAS_SIZE 0xf000000
#define HC_THREAD_AREA_SIZE 0x8000
#define HC_THREAD_AREA_STRIDE 0x10000
// The highest address Linux maps, plus one.
#define HC_TASK_END 0x7ffffffff000

// The table: two sock_fprog records, then three columns of 4096 words. Word `n` of the low column is n + 1,
// of the middle one (n + 1) << 16, of the high one (n + 1) << 32.
#define HC_TABLE_AGENT_FILTER (HC_STUB_TABLE + 0x000)
#define HC_TABLE_GUEST_FILTER (HC_STUB_TABLE + 0x010)
#define HC_TABLE_PROGRAMS 0x040
#define HC_REPORT_LOW (HC_STUB_TABLE + 0x1000)
#define HC_REPORT_MIDDLE (HC_STUB_TABLE + 0x9000)
#define HC_REPORT_HIGH (HC_STUB_TABLE + 0x11000)
#define HC_REPORT_WORDS 4096

// The command page.
#define HC_COMMAND_SEQUENCE 0x00
#define HC_COMMAND_COUNT 0x04
#define HC_COMMAND_REPORT 0x08
#define HC_COMMAND_BATCH 0x40
// One command of the batch.
#define HC_COMMAND_SIZE 0x40
#define HC_COMMAND_OPERATION 0x00
#define HC_COMMAND_ARGUMENTS 0x08

// An operation is a Linux call number, or one of these.
// clone(arguments[0]) a guest thread; its first frame is at arguments[1], its stack_t is arguments[2..4].
#define HC_OPERATION_THREAD 0x1000
// clone(arguments[0]) a process; its command page is at offset arguments[2] of descriptor arguments[1], and
// arguments[3] is the pid its parent must have.
#define HC_OPERATION_FORK 0x1001

// The number with which a stopped thread reports to its worker.
#define HC_CALL_PARK 0x7f000001
// Where the handler leaves FS and GS base: the reserved words at the end of the frame's sigcontext.
#define HC_FRAME_FS_BASE 0xe8
#define HC_FRAME_GS_BASE 0xf0

#ifndef __ASSEMBLER__

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel_shim/machine/page_range.h"

namespace halfcell::agent {

struct Command {
    std::uint64_t operation = 0;
    std::array<std::uint64_t, 6> arguments{};
    std::uint64_t unused = 0;
};
static_assert(sizeof(Command) == HC_COMMAND_SIZE);
static_assert(offsetof(Command, operation) == HC_COMMAND_OPERATION);
static_assert(offsetof(Command, arguments) == HC_COMMAND_ARGUMENTS);

struct CommandPage {
    // Counted up after everything else is in place; a futex the agent sleeps on.
    std::uint32_t sequence = 0;
    // Commands in the batch. They run in order up to the first that fails.
    std::uint32_t count = 0;
    // Number of the eventfd that takes the report, in the table the agent shares with the supervisor.
    std::uint64_t report = 0;
    std::array<std::uint64_t, 6> unused{};
    std::array<Command, 63> batch{};
};
static_assert(sizeof(CommandPage) == HC_COMMAND_PAGE_SIZE);
static_assert(offsetof(CommandPage, sequence) == HC_COMMAND_SEQUENCE);
static_assert(offsetof(CommandPage, count) == HC_COMMAND_COUNT);
static_assert(offsetof(CommandPage, report) == HC_COMMAND_REPORT);
static_assert(offsetof(CommandPage, batch) == HC_COMMAND_BATCH);

inline constexpr machine::PageRange kStubCode{HC_STUB_CODE, HC_STUB_CODE_SIZE};
inline constexpr machine::PageRange kThreadAreas{HC_THREAD_AREAS, HC_THREAD_AREAS_SIZE};
inline constexpr std::uint64_t kThreadAreaSize = HC_THREAD_AREA_SIZE;
inline constexpr std::uint64_t kThreadAreaStride = HC_THREAD_AREA_STRIDE;
inline constexpr std::uint64_t kMostThreads = kThreadAreas.size / kThreadAreaStride;

static_assert(machine::kReservedRange.contains(kStubCode));
static_assert(machine::kReservedRange.contains(machine::PageRange{HC_STUB_TABLE, HC_STUB_TABLE_SIZE}));
static_assert(machine::kReservedRange.contains(machine::PageRange{HC_COMMAND_PAGE, HC_COMMAND_PAGE_SIZE}));
static_assert(kThreadAreas.end() == machine::kReservedEnd);
static_assert(HC_TASK_END == machine::kHostUserEnd);
static_assert(HC_STUB_CODE + HC_STUB_CODE_SIZE <= HC_STUB_TABLE);
static_assert(HC_REPORT_HIGH + HC_REPORT_WORDS * 8 <= HC_STUB_TABLE + HC_STUB_TABLE_SIZE);
static_assert(HC_STUB_TABLE + HC_STUB_TABLE_SIZE <= HC_COMMAND_PAGE);
static_assert(HC_COMMAND_PAGE + HC_COMMAND_PAGE_SIZE <= HC_THREAD_AREAS);

// A report is the sum of what was written since the last one: the low column ends it with the errno (0 for
// success) plus one; an id comes before it as its low twelve bits in the high column and the rest in the
// middle one. The supervisor itself adds kDeathReport when the process is gone.
inline constexpr std::uint64_t kReportEnd = 0xffff;
inline constexpr std::uint64_t kDeathReport = std::uint64_t{1} << 48;

}  // namespace halfcell::agent

#endif  // __ASSEMBLER__
