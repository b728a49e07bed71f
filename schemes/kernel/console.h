#pragma once

// The machine's console as the kernel sees it: a place to print to, and maybe keys to read.

#include <memory>
#include <string_view>

#include "kernel_shim/wait/waiter.h"
#include "schemes/stdio/host_file.h"

namespace halfcell::schemes {

class ConsoleSink {
  public:
    virtual ~ConsoleSink() = default;
    // Prints bytes as they are. Where the console is slow it sleeps on `waiter` and gives up when that wait
    // is broken; without a waiter it just sleeps. What cannot be printed is lost, as on a real console.
    virtual void write(std::string_view bytes, wait::Waiter* waiter) = 0;
    // Where keys come from; null where there are none. Immutable.
    [[nodiscard]] virtual std::shared_ptr<HostFile> input() const { return nullptr; }
};

// Two files of the host.
class HostConsole final : public ConsoleSink {
  public:
    // `input` may be null.
    HostConsole(std::shared_ptr<HostFile> output, std::shared_ptr<HostFile> input)
        : output_(std::move(output)), input_(std::move(input)) {}
    void write(std::string_view bytes, wait::Waiter* waiter) override;
    [[nodiscard]] std::shared_ptr<HostFile> input() const override { return input_; }

  private:
    const std::shared_ptr<HostFile> output_;
    const std::shared_ptr<HostFile> input_;
};

}  // namespace halfcell::schemes
