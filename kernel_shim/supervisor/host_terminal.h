#pragma once

// The terminal halfcell was started on, while a program runs with a terminal of its own in front of it. Its
// settings are restored however the run ends, but for SIGKILL.

#include <csignal>
#include <memory>

#include <termios.h>

#include "abi/termios.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::supervisor {

class HostTerminal {
  public:
    // The terminal that standard input and output are; null where one of the two is none, or they differ.
    // From now on the signals that end or stop halfcell, or tell of a new size, come from signals(): they are
    // blocked in the calling thread and those it starts. Those that were ignored stay ignored.
    static std::unique_ptr<HostTerminal> take_over();
    // Restores settings and signals.
    ~HostTerminal();
    HostTerminal(const HostTerminal&) = delete;
    HostTerminal& operator=(const HostTerminal&) = delete;

    // From here on every key arrives as it is, and what is written is shown as it is. In the background this
    // stops the process until it is brought to the front.
    void make_raw();
    // Back to what was found. Does nothing where make_raw() has not been called since.
    void restore();
    // Stops the process as the shell's Ctrl-Z would, with the terminal restored; returns when it is
    // continued.
    void stop();
    // Raw again after a stop, where the process is in the foreground.
    void continued();
    // Ends the process by `signal`, with the terminal restored.
    [[noreturn]] void die_by(int signal);

    [[nodiscard]] abi::Winsize size() const;
    // Whether one of the three standard files is the same terminal.
    [[nodiscard]] bool is(int standard_file) const;
    // For reading, writing and polling; transfers do not block where the host allows to have that in private.
    [[nodiscard]] int file() const { return file_.get(); }
    // A signalfd.
    [[nodiscard]] int signals() const { return signals_.get(); }

  private:
    HostTerminal() = default;

    host::UniqueFd file_;
    host::UniqueFd signals_;
    sigset_t taken_{};
    sigset_t old_mask_{};
    termios found_{};
    dev_t device_ = 0;
    bool raw_ = false;
};

}  // namespace halfcell::supervisor
