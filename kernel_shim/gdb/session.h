#pragma once

// One debugger's session: gdb's packets on one side, a Target on the other. Source: the GDB manual, appendix
// "GDB Remote Serial Protocol". What it does not know it answers with the empty packet, as the protocol wants
// it.
//
// It does no I/O of its own: bytes that arrived go into receive(), take_output() is what is to be sent.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel_shim/gdb/breakpoints.h"
#include "kernel_shim/gdb/file_service.h"
#include "kernel_shim/gdb/target.h"
#include "kernel_shim/gdb/wire.h"

namespace halfcell::gdb {

class Session {
  public:
    // `target` outlives it; nothing of it runs.
    explicit Session(Target& target);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Bytes from gdb. Blocks as the Target does.
    void receive(std::string_view bytes);
    // Call it when Target::event_file() is readable.
    void on_event();
    // Whether gdb has let something run and not heard of a stop since.
    [[nodiscard]] bool running() const { return running_; }
    // Asks for a stop, as gdb's ^C does.
    void interrupt();
    // The connection is lost, and nothing runs: programs that were attached to go on, those started for gdb
    // are killed.
    void on_disconnect();
    // What is to be sent, once.
    [[nodiscard]] std::string take_output() { return std::exchange(output_, {}); }
    // Nothing is left to debug, or gdb wants no more: send the output and close.
    [[nodiscard]] bool finished() const { return finished_; }

  private:
    using Reply = std::optional<std::string>;  // none: it comes later
    using Handler = Reply (Session::*)(Reader);
    struct Row {
        std::string_view prefix;
        Handler handler;
    };
    static const Row kRows[];

    struct Waiting {
        Stop stop;
        bool swbreak = false;  // at one of our breakpoints
    };
    // One action of a vCont packet. No kind: the threads stay where they are.
    struct Order {
        ThreadPattern threads;
        std::optional<Resumption::Kind> kind;
        std::uint32_t signal = 0;
        std::uint64_t range_begin = 0;
        std::uint64_t range_end = 0;
    };

    void take(const Incoming& incoming);
    Reply answer(std::string_view payload);
    void send(std::string payload);

    // session.cpp
    Reply no_acknowledgements(Reader);
    Reply file(Reader);
    // session_query.cpp
    Reply supported(Reader);
    Reply current_thread(Reader);
    Reply first_threads(Reader);
    Reply more_threads(Reader);
    Reply thread_info(Reader);
    Reply attached(Reader);
    Reply transfer(Reader);
    Reply catch_calls(Reader);
    Reply pass_signals(Reader);
    Result<std::string> transfer_object(std::string_view object, std::string_view annex) const;
    [[nodiscard]] std::string threads_xml() const;
    // session_memory.cpp
    Reply select_thread(Reader);
    Reply thread_alive(Reader);
    Reply read_registers(Reader);
    Reply write_registers(Reader);
    Reply read_register(Reader);
    Reply write_register(Reader);
    Reply read_memory(Reader);
    Reply write_memory(Reader);
    Reply write_binary(Reader);
    Reply insert_breakpoint(Reader);
    Reply remove_breakpoint(Reader);
    Reply store(std::uint64_t address, std::uint64_t size, const std::optional<std::string>& bytes);
    // session_run.cpp
    Reply why_stopped(Reader);
    Reply resume_actions(Reader);
    Reply resume(Reader);
    Reply detach(Reader);
    Reply kill_all(Reader);
    Reply kill(Reader);
    // Lets threads run as orders_ has it, or reports what has happened to one of them already.
    Reply run();
    [[nodiscard]] std::vector<Resumption> resumptions() const;
    [[nodiscard]] const Order* order_for(const ThreadName& name) const;
    // Takes up what happened: what gdb is not to hear of is dealt with at once, the rest waits in stops_.
    void collect_stops();
    [[nodiscard]] bool gdb_is_to_hear(Waiting& waiting);
    [[nodiscard]] bool at_own_breakpoint(const ThreadName& name);
    // The report of the first waiting stop of a thread that gdb let run; none where no such stop waits.
    Reply next_report();
    std::string report(const Waiting& waiting);
    [[nodiscard]] std::string report_thread(std::uint32_t signal, const Waiting& waiting) const;
    std::string report_end(char letter, std::uint64_t number, std::uint64_t process);
    void forget_process(std::uint64_t process);
    void finish_without_threads();

    // The process and the thread that packets without a name are about. ESRCH where there is none.
    [[nodiscard]] Result<ThreadName> selected() const;
    [[nodiscard]] std::optional<ThreadName> find(const ThreadPattern& pattern) const;
    [[nodiscard]] std::uint64_t selected_process() const;  // 0 where there is none
    static std::string error(Errno number);
    static std::string outcome(const Result<void>& result) { return result ? "OK" : error(result.error()); }
    // What gdb is told to be wrong with a packet that it would never send.
    static std::string malformed() { return error(Errno::kEINVAL); }

    Target& target_;
    const RegisterFile register_file_;
    Breakpoints breakpoints_;
    FileService files_;
    PacketReader reader_;
    std::string output_;
    std::string last_packet_;  // for SendAgain
    bool acknowledging_ = true;
    bool finished_ = false;
    bool running_ = false;
    // What gdb said it understands.
    bool multiprocess_ = false;
    bool swbreak_ = false;
    bool fork_events_ = false;
    bool exec_events_ = false;
    ThreadPattern selected_;       // by Hg
    std::optional<Waiting> last_;  // the stop gdb heard of last
    std::deque<Waiting> stops_;    // those it has not heard of
    std::vector<Order> orders_;    // its last vCont: the first that matches a thread is for it
    // Signals of an order that could not be followed, because a stop was waiting.
    std::map<ThreadName, std::uint32_t> owed_signals_;
    bool interrupting_ = false;
    std::vector<ThreadName> listing_;  // what qsThreadInfo still has to tell
};

}  // namespace halfcell::gdb
