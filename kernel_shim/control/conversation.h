#pragma once

// One connection to the control socket, without the socket: bytes in, commands out, answers in, bytes out.
// What a peer sends is read here and nowhere else.

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel_shim/control/command.h"

namespace halfcell::control {

// Bounded: it holds at most two lines' worth of input and one answer, or a few small ones. One thread.
class Conversation {
  public:
    enum class Step : std::uint8_t {
        kRead,   // feed() or end_of_input() it
        kWrite,  // output() is to be written
        kOrder,  // request() is to be carried out, and answered
        kWait,   // the answer to an order is still missing
        kClose,  // it is over
    };
    // What is to be done next. Commands that need nothing but this connection are answered on the way.
    // `locked`: every command is refused.
    [[nodiscard]] Step next(bool locked);

    // What the peer has sent; only after kRead, and at most kLongestLine bytes.
    void feed(std::string_view bytes);
    // The peer sends nothing more. What is left without a newline is a line, too.
    void end_of_input() { ended_ = true; }

    [[nodiscard]] const Request& request() const { return request_; }
    // The answer to the order, whole lines. Ends kWait.
    void answer(std::string_view text);
    // Says so, forgets what else was sent, and closes.
    void refuse(Errno error, std::string_view message);

    [[nodiscard]] std::string_view output() const { return std::string_view(output_).substr(written_); }
    void wrote(std::size_t bytes);

    // Commands read so far.
    [[nodiscard]] std::uint64_t commands() const { return commands_; }

  private:
    // As in HAProxy: one command; any number; any number, with a prompt before each.
    enum class Mode : std::uint8_t { kOnce, kInteractive, kPrompt };

    // The next whole line without its end; false where there is none yet.
    [[nodiscard]] bool take_line(std::string& line);
    // Runs a line; true where it became an order.
    [[nodiscard]] bool handle(std::string_view line, bool locked);
    // Runs a command that is only about this connection; false where it is not.
    [[nodiscard]] bool handle_here();
    void switch_mode(std::string_view word);
    // The end of an answer, and what comes after it.
    void finish_answer();

    Mode mode_ = Mode::kOnce;
    bool ended_ = false;      // the peer sends nothing more
    bool closing_ = false;    // nothing more is read
    bool ordered_ = false;    // request_ is not yet answered
    bool announced_ = false;  // and the caller knows of it
    std::string input_;
    std::size_t taken_ = 0;  // of input_
    std::string output_;
    std::size_t written_ = 0;  // of output_
    Request request_;
    std::uint64_t commands_ = 0;
};

}  // namespace halfcell::control
