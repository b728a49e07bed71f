// What gdb asks: features, threads, objects.

#include <algorithm>

#include "kernel_shim/gdb/call_names.h"
#include "kernel_shim/gdb/library_list.h"
#include "kernel_shim/gdb/session.h"
#include "kernel_shim/gdb/signal_numbers.h"

namespace halfcell::gdb {

namespace {

// No vfork-events: a Redox program's vfork is a fork. Watchpoints, reverse execution and non-stop are left to
// gdb, which does without.
constexpr std::string_view kFeatures =
    ";QStartNoAckMode+;multiprocess+;swbreak+;fork-events+;exec-events+;vContSupported+;QCatchSyscalls+"
    ";QPassSignals+;no-resumed+;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+"
    ";qXfer:threads:read+;qXfer:libraries-svr4:read+";

// A list of hexadecimal numbers; nullopt where it is none.
std::optional<std::vector<std::uint32_t>> read_numbers(Reader& reader) {
    std::vector<std::uint32_t> numbers;
    while (!reader.at_end()) {
        const auto number = reader.number();
        if (!number || *number > UINT32_MAX) return std::nullopt;
        numbers.push_back(static_cast<std::uint32_t>(*number));
        if (!reader.skip(";") && !reader.at_end()) return std::nullopt;
    }
    return numbers;
}

}  // namespace

Session::Reply Session::supported(Reader reader) {
    reader.skip(":");
    while (!reader.at_end()) {
        const std::string_view feature = reader.until(';');
        multiprocess_ = multiprocess_ || feature == "multiprocess+";
        swbreak_ = swbreak_ || feature == "swbreak+";
        fork_events_ = fork_events_ || feature == "fork-events+";
        exec_events_ = exec_events_ || feature == "exec-events+";
    }
    return "PacketSize=" + hex_number(kPacketSize) + std::string(kFeatures);
}

Session::Reply Session::current_thread(Reader) {
    const auto name = selected();
    return name ? "QC" + to_text(*name, multiprocess_) : error(name.error());
}

Session::Reply Session::first_threads(Reader reader) {
    listing_ = target_.threads();
    return more_threads(reader);
}

Session::Reply Session::more_threads(Reader) {
    constexpr std::size_t kMostAtOnce = 500;
    if (listing_.empty()) return "l";
    std::string reply;
    const std::size_t count = std::min(listing_.size(), kMostAtOnce);
    for (std::size_t i = 0; i < count; ++i)
        reply += (i == 0 ? "m" : ",") + to_text(listing_[i], multiprocess_);
    listing_.erase(listing_.begin(), listing_.begin() + static_cast<std::ptrdiff_t>(count));
    return reply;
}

Session::Reply Session::thread_info(Reader reader) {
    const auto pattern = read_thread_pattern(reader);
    const auto name = pattern ? find(*pattern) : std::nullopt;
    return name ? to_hex(target_.thread_title(*name)) : error(Errno::kESRCH);
}

Session::Reply Session::attached(Reader reader) {
    const auto process = reader.skip(":") ? reader.number() : std::optional(selected_process());
    return process && target_.attached(*process) ? "1" : "0";
}

// qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH
Session::Reply Session::transfer(Reader reader) {
    const std::string_view object = reader.until(':');
    if (!reader.skip("read:")) return "";
    const std::string_view annex = reader.until(':');
    const auto offset = reader.number();
    const bool comma = reader.skip(",");
    const auto length = reader.number();
    if (!offset || !comma || !length) return malformed();
    const auto content = transfer_object(object, annex);
    if (!content && content.error() == Errno::kENOSYS) return "";
    if (!content) return error(content.error());
    if (*offset >= content->size()) return "l";
    // Half a packet has room for the same bytes with an escape each.
    const std::uint64_t most = std::min<std::uint64_t>(*length, kPacketSize / 2);
    const std::string_view part = std::string_view(*content).substr(*offset, most);
    return (*offset + part.size() < content->size() ? "m" : "l") + escape(part);
}

// ENOSYS: there is no such object here, and gdb need not ask again.
Result<std::string> Session::transfer_object(std::string_view object, std::string_view annex) const {
    if (object == "features")
        return annex == "target.xml" ? Result<std::string>(register_file_.target_xml())
                                     : fail(Errno::kENOENT);
    if (object == "threads") return threads_xml();
    if (object == "libraries-svr4") return library_list_xml(target_, TRY(selected()).process);
    if (object == "auxv") return target_.auxiliary_vector(TRY(selected()).process);
    if (object == "exec-file") {
        const std::uint64_t own = annex.empty() ? TRY(selected()).process : 0;
        return target_.program_path(Reader(annex).number().value_or(own));
    }
    return fail(Errno::kENOSYS);
}

std::string Session::threads_xml() const {
    std::string xml = "<?xml version=\"1.0\"?>\n<threads>\n";
    for (const ThreadName& name : target_.threads())
        xml += "<thread id=\"" + to_text(name, multiprocess_) + "\">" + xml_text(target_.thread_title(name)) +
               "</thread>\n";
    return xml + "</threads>\n";
}

// "0": none, "1": all, "1;N;N": these. gdb means the process it looks at.
Session::Reply Session::catch_calls(Reader reader) {
    const auto name = selected();
    if (!name) return error(name.error());
    if (reader.skip("0")) return outcome(target_.catch_calls(name->process, {}));
    if (!reader.skip("1")) return malformed();
    reader.skip(";");
    auto numbers = read_numbers(reader);
    if (!numbers) return malformed();
    for (std::uint32_t& number : *numbers)
        number = from_gdb_call(number);
    return outcome(target_.catch_calls(name->process, {.any = true, .numbers = std::move(*numbers)}));
}

Session::Reply Session::pass_signals(Reader reader) {
    const auto numbers = read_numbers(reader);
    if (!numbers) return malformed();
    std::vector<std::uint32_t> signals;
    for (const std::uint32_t number : *numbers)
        if (const std::uint32_t signal = from_gdb_signal(number); signal != 0) signals.push_back(signal);
    target_.pass_signals(std::move(signals));
    return "OK";
}

}  // namespace halfcell::gdb
