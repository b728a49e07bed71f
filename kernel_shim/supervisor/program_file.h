#pragma once

// Reads programs: files of the host, and files a guest would find.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

// Why nothing was started: the exit status (125, 126 or 127) and one line for standard error.
struct LaunchProblem {
    int status;
    std::string message;
};

struct ProgramFile {
    std::string name;        // as found
    std::string guest_path;  // where the guest sees the file; empty where that is not known
    std::vector<std::byte> bytes;
};

// A file of the host. 127 where it does not exist, 126 where it cannot be read. Blocks for host I/O.
Expected<ProgramFile, LaunchProblem> read_host_program(const std::string& path);

// A file of the guest, by its absolute path: opened through the namespace `root`, as `caller`. 127 where it
// does not exist, 126 where it cannot be read or executed. Blocks for host I/O.
Expected<ProgramFile, LaunchProblem> read_guest_program(const scheme::DescriptionRef& root,
                                                        const scheme::Caller& caller,
                                                        const std::string& path);
// The same for the first element of PATH that has `name`.
Expected<ProgramFile, LaunchProblem> search_guest_program(const scheme::DescriptionRef& root,
                                                          const scheme::Caller& caller,
                                                          const std::string& name,
                                                          std::string_view path_variable);

// A path of the guest, from its working directory on.
[[nodiscard]] std::string absolute_guest_path(const std::string& working_directory, const std::string& path);

// Where a guest of this world sees a host file: below the root or a bind that holds it, else where its own
// absolute path says. `shown`: whether it does without further ado.
struct GuestView {
    std::string path;
    bool shown = false;
};
[[nodiscard]] GuestView view_of_host_file(const WorldOptions& options, const std::string& path);

// The bind that lets a guest open the program it was started with by name, where programs of its kind need
// that (scripts, dynamic programs) and the guest would not see it. Blocks for host I/O.
[[nodiscard]] std::optional<Bind> bind_for_program(const WorldOptions& options);

}  // namespace halfcell::supervisor
