#pragma once

// Programs of the host that a measurement starts.

#include <sys/types.h>

#include <string>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::bench {

struct Child {
    pid_t id = 0;
    host::UniqueFd input;   // its standard input
    host::UniqueFd output;  // its standard output
};

// Errors of pipe and spawn. Does not wait for the child.
Result<Child> spawn(std::vector<std::string> words);

// Everything a file gives until its end. Blocks.
std::string read_to_end(int file);

// Closes the child's input, waits for its end, and returns the number it has printed. EIO where it failed or
// printed none.
Result<double> number_from(Child child);

// Ends it, whatever it does.
void put_down(Child child);

// The program file of this process.
std::string own_program();

}  // namespace halfcell::bench
