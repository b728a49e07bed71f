#include "kernel_shim/gdb/session.h"

#include <algorithm>

namespace halfcell::gdb {

// The first row whose prefix fits is taken: longer ones stand before shorter.
const Session::Row Session::kRows[] = {
    {"QStartNoAckMode", &Session::no_acknowledgements},
    {"qSupported", &Session::supported},
    {"qXfer:", &Session::transfer},
    {"qC", &Session::current_thread},
    {"qfThreadInfo", &Session::first_threads},
    {"qsThreadInfo", &Session::more_threads},
    {"qThreadExtraInfo,", &Session::thread_info},
    {"qAttached", &Session::attached},
    {"QCatchSyscalls:", &Session::catch_calls},
    {"QPassSignals:", &Session::pass_signals},
    {"vCont?", &Session::resume_actions},
    {"vCont;", &Session::resume},
    {"vFile:", &Session::file},
    {"vKill;", &Session::kill},
    {"H", &Session::select_thread},
    {"T", &Session::thread_alive},
    {"?", &Session::why_stopped},
    {"g", &Session::read_registers},
    {"G", &Session::write_registers},
    {"p", &Session::read_register},
    {"P", &Session::write_register},
    {"m", &Session::read_memory},
    {"M", &Session::write_memory},
    {"X", &Session::write_binary},
    {"Z0,", &Session::insert_breakpoint},
    {"z0,", &Session::remove_breakpoint},
    {"D", &Session::detach},
    {"k", &Session::kill_all},
};

Session::Session(Target& target)
    : target_(target), register_file_(target.vectors()), breakpoints_(target), files_(target) {}

void Session::receive(std::string_view bytes) {
    std::vector<Incoming> incoming;
    reader_.feed(bytes, incoming);
    for (const Incoming& item : incoming)
        take(item);
}

void Session::take(const Incoming& incoming) {
    if (std::holds_alternative<InterruptRequest>(incoming)) {
        if (running_) interrupt();
        return;
    }
    if (std::holds_alternative<SendAgain>(incoming)) {
        // However often it is asked for before it is sent, once is enough: whoever asks without reading must
        // not fill our memory.
        if (!output_.ends_with(last_packet_)) output_ += last_packet_;
        return;
    }
    if (std::holds_alternative<GarbledPacket>(incoming)) {
        if (acknowledging_) output_ += '-';
        return;
    }
    const auto* const packet = std::get_if<Packet>(&incoming);
    if (packet == nullptr) return;
    if (acknowledging_) output_ += '+';
    if (finished_) return;
    // gdb waits while something runs; what sends packets all the same has to wait for an answer it can use.
    if (running_) return send(error(Errno::kEBUSY));
    if (Reply reply = answer(packet->payload)) send(std::move(*reply));
}

Session::Reply Session::answer(std::string_view payload) {
    for (const Row& row : kRows)
        if (payload.starts_with(row.prefix))
            return (this->*row.handler)(Reader(payload.substr(row.prefix.size())));
    return "";
}

void Session::send(std::string payload) {
    last_packet_ = frame(payload);
    output_ += last_packet_;
}

void Session::interrupt() {
    interrupting_ = true;
    target_.interrupt();
}

void Session::on_disconnect() {
    std::vector<std::uint64_t> processes;
    for (const ThreadName& name : target_.threads())
        if (std::ranges::find(processes, name.process) == processes.end()) processes.push_back(name.process);
    for (const std::uint64_t process : processes) {
        breakpoints_.remove_all(process);
        (void)(target_.attached(process) ? target_.detach(process) : target_.kill(process));
    }
    finished_ = true;
}

// The answer is acknowledged for the last time.
Session::Reply Session::no_acknowledgements(Reader) {
    acknowledging_ = false;
    reader_.trust_checksums();
    return "OK";
}

Session::Reply Session::file(Reader reader) {
    return files_.answer(reader, selected_process());
}

std::optional<ThreadName> Session::find(const ThreadPattern& pattern) const {
    const auto threads = target_.threads();
    const auto matches = [&](const ThreadName& name) { return pattern.matches(name); };
    // Where several fit, the one that gdb looks at.
    if (last_ && matches(last_->stop.name) && std::ranges::find(threads, last_->stop.name) != threads.end())
        return last_->stop.name;
    const auto found = std::ranges::find_if(threads, matches);
    return found == threads.end() ? std::nullopt : std::optional(*found);
}

Result<ThreadName> Session::selected() const {
    const auto found = find(selected_);
    if (!found) return fail(Errno::kESRCH);
    return *found;
}

std::uint64_t Session::selected_process() const {
    const auto name = find(selected_);
    return name ? name->process : 0;
}

std::string Session::error(Errno number) {
    return "E" + hex_byte(static_cast<std::uint8_t>(number));
}

}  // namespace halfcell::gdb
