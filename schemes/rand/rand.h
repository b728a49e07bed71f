#pragma once

// The rand scheme: the host's random bytes. Source: base:randd.

#include <memory>

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// Opens as "" or "/urandom", else ENOENT; a read fills any length and never blocks for long; what is written
// (a new seed, upstream) is accepted and not used: the host's generator needs none.
std::shared_ptr<scheme::Scheme> make_rand_scheme();

}  // namespace halfcell::schemes
