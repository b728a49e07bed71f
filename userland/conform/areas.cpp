#include "userland/conform/areas.h"

#include <array>

namespace halfcell::userland::conform {

std::span<const Area> areas() {
    static const std::array kAreas{
        number_area(), order_area(),   fd_area(),       fcntl_area(),     seek_area(),     io_area(),
        pipe_area(),   map_area(),     protect_area(),  remap_area(),     space_area(),    memory_area(),
        handle_area(), table_area(),   life_area(),     exception_area(), signal_area(),   futex_area(),
        time_area(),   event_area(),   call_area(),     passing_area(),   meta_area(),     sys_area(),
        socket_area(), request_area(), transfer_area(), detach_area(),    process_area(),  namespace_area(),
        ptrace_area(), file_area(),    chan_area(),     stream_area(),    datagram_area(), shm_area(),
        pty_area(),    irq_area(),     serio_area(),    boot_area()};
    return kAreas;
}

}  // namespace halfcell::userland::conform
