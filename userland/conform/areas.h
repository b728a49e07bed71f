#pragma once

// All probes: one function per file of them.

#include <span>

#include "userland/conform/probe.h"

namespace halfcell::userland::conform {

Area number_area();
Area order_area();
Area fd_area();
Area fcntl_area();
Area seek_area();
Area io_area();
Area pipe_area();
Area map_area();
Area protect_area();
Area remap_area();
Area space_area();
Area memory_area();
Area handle_area();
Area table_area();
Area life_area();
Area exception_area();
Area signal_area();
Area futex_area();
Area time_area();
Area event_area();
Area call_area();
Area passing_area();
Area meta_area();
Area sys_area();
Area socket_area();
Area request_area();
Area transfer_area();
Area detach_area();
Area process_area();
Area namespace_area();
Area ptrace_area();
Area file_area();
Area chan_area();
Area stream_area();
Area datagram_area();
Area shm_area();
Area pty_area();
Area irq_area();
Area serio_area();
Area boot_area();

// Every area, in the order in which they run.
std::span<const Area> areas();

}  // namespace halfcell::userland::conform
