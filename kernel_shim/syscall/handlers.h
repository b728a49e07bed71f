#pragma once

// One handler a row of table.def. Each does its checks in the order of upstream's, so that a call that is
// wrong in several ways fails as it does there. Source: kernel:src/syscall/mod.rs syscall.

#include "kernel_shim/syscall/frame.h"

namespace halfcell::syscall {

#define HALFCELL_CALL(number, handler, topic, support, result, arguments, note) Handler handler;
#include "kernel_shim/syscall/table.def"

}  // namespace halfcell::syscall
