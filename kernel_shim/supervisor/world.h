#pragma once

// One run: the engine, the kernel's objects and the schemes, put together. The only place that knows them
// all.

#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

class DebugVisit;

// What stands around a program: for a booted image the kernel alone, else also the schemes, the process
// manager and the namespace that its libc expects.
enum class Surroundings { kKernelOnly, kUserland };

class World {
  public:
    // Builds everything; the zygote is forked here, so call it on the main thread before others exist. The
    // error is one line for the user.
    static Expected<std::unique_ptr<World>, std::string> create(const WorldOptions& options,
                                                                Surroundings surroundings);
    // Ends whatever still runs.
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Runs a program (name, then arguments) to its end and returns the exit status for the host. What kept it
    // from starting is reported on standard error. Blocks.
    int run(const std::vector<std::string>& words);

    // The same with the program stopped for gdb, which may connect at `listen` (unix:PATH or 127.0.0.1:PORT;
    // empty: a socket of its own). Prints the line that connects it on standard error.
    int debug(const std::vector<std::string>& words, const std::string& listen);

    // Starts an image as Redox's kernel starts its first program and waits for its end. Blocks.
    int boot(const std::string& image_path, std::uint64_t base);

    struct Parts;  // for the files that implement it

  private:
    int run_with(const std::vector<std::string>& words, DebugVisit* visit);
    explicit World(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace halfcell::supervisor
