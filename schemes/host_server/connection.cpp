#include "schemes/host_server/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "abi/flags.h"
#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/sys.h"
#include "schemes/host_server/handover.h"
#include "schemes/host_server/packets.h"

namespace halfcell::host_server {

using abi::Cqe;
using abi::CqeOpcode;
using server::Packet;
using server::PacketKind;
using server::Sleep;
using user_scheme::Answer;

namespace {

int send(int socket, const Packet& packet, std::span<const int> descriptors) {
    return send_packet(socket, std::as_bytes(std::span(&packet, 1)), descriptors);
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::adopt(std::string name, host::UniqueFd socket,
                                                      std::uint64_t root, scheme::SchemeRegistry& schemes,
                                                      std::shared_ptr<schemes::HostfdScheme> files) {
    std::unique_ptr<Rings> rings = TRY(Rings::create());
    rings->set_sleep(Sleep::kOnSocket);
    const auto area = TRY(BufferArea::create(server::kBuffersSize));
    const std::array<int, server::kRegions> regions{rings->request_file(), rings->answer_file(),
                                                    area->file()};
    if (const int error = send(socket.get(), {.kind = PacketKind::kAdopted}, regions); error != 0)
        return fail(decision_for(kind_of_host_error(error)).error);
    host::UniqueFd left_behind = TRY(host::create_event(host::Blocking::kNo));
    auto scheme = std::make_shared<HostScheme>(std::move(name), std::make_unique<AreaBuffers>(area), files);
    std::shared_ptr<Connection> connection(new Connection(
        std::move(socket), std::move(left_behind), std::move(rings), scheme, schemes, std::move(files)));
    scheme->channel().on_request([weak = std::weak_ptr(connection)] {
        if (const auto alive = weak.lock()) alive->pump(false);
    });
    scheme->channel().on_call([weak = std::weak_ptr(connection)](wait::Waiter& waiter) {
        const auto alive = weak.lock();
        return alive != nullptr ? alive->exchange(waiter) : waiter.sleep({});
    });
    const SchemeId id = TRY(schemes.add(scheme));
    connection->root_ = scheme::DescriptionRef::create(
        {.scheme = scheme, .scheme_id = id, .number = HandleNumber{root}, .flags = abi::OpenFlags::kRdwr});
    return connection;
}

bool Connection::hung_up() const {
    pollfd one{socket_.get(), 0, 0};
    return ::poll(&one, 1, 0) == 1;
}

void Connection::give_up() {
    lost_.store(true);
    ::shutdown(socket_.get(), SHUT_RDWR);
}

void Connection::close() {
    if (closed_.exchange(true)) return;
    give_up();
    schemes_.remove(scheme_->id());
    received_.with([](auto& received) { received.clear(); });
    // A collector that is still there does it when it leaves.
    if (become_collector()) drop_descriptors();
}

void Connection::drop_descriptors() {
    tokens_.clear();
    moving_.clear();
}

bool Connection::become_collector() {
    return !collecting_.exchange(true);
}

// The server must not see that nobody collects before the request: it would send a packet for what its caller
// takes anyway.
wait::Wake Connection::exchange(wait::Waiter& waiter) {
    const bool collector = become_collector();
    if (collector) rings_->set_sleep(Sleep::kAwake);
    pump(true);
    if (collector) {
        collect(waiter);
        leave();
    }
    return waiter.sleep({});
}

void Connection::collect(wait::Waiter& waiter) {
    for (std::size_t taken = 0; taken < kShare && !waiter.over() && !lost_.load();) {
        const std::uint32_t seen = rings_->bell().load(std::memory_order_seq_cst);
        rings_->set_sleep(Sleep::kOnBell);
        if (!rings_->answers_wait()) {
            if (waiter.watch(rings_->bell(), seen) != wait::Watched::kChanged) return;
            // Rung for something else than answers: there is room again, or the server lies about it.
            if (!rings_->answers_wait()) pump(false);
        }
        rings_->set_sleep(Sleep::kAwake);
        taken += take_answers(kShare - taken);
        if (rings_->wants_room()) pump(false);
    }
}

// What comes from now on rings the socket; what has come before is left to the thread that watches it.
void Connection::leave() {
    rings_->set_sleep(Sleep::kOnSocket);
    collecting_.store(false);
    if (closed_.load()) {
        if (become_collector()) drop_descriptors();
    } else if (!lost_.load() && rings_->answers_wait()) {
        (void)host::signal_event(left_behind_.get(), 1);
    }
}

// One thread moves requests, on behalf of all who come meanwhile.
void Connection::pump(bool waited_for) {
    if (pumps_.fetch_add(1) != 0) return;
    if (waited_for) rings_->advise_cpu(host::current_cpu());
    for (;;) {
        const std::uint64_t seen = pumps_.load();
        pump_once();
        if (pumps_.fetch_sub(seen) == seen) return;
    }
}

void Connection::pump_once() {
    for (bool asked = false;;) {
        const Result<std::uint32_t> room = rings_->room();
        if (!room) return give_up();
        const std::uint32_t moved = move_requests(*room);
        if (moved != 0) wake_server();
        rings_->want_room(moved == *room);
        // The server may have gone on before it could see that we want to hear of it.
        if (moved != *room || std::exchange(asked, true)) return;
    }
}

std::uint32_t Connection::move_requests(std::uint32_t room) {
    std::array<abi::Sqe, 32> batch;
    std::uint32_t moved = 0;
    while (moved != room) {
        const std::size_t count = scheme_->channel().take(
            std::span(batch).first(std::min<std::size_t>(room - moved, batch.size())));
        if (count == 0) break;
        rings_->push(std::span(batch).first(count));
        moved += static_cast<std::uint32_t>(count);
    }
    return moved;
}

void Connection::wake_server() {
    switch (rings_->server_sleep()) {
        case Sleep::kAwake:
            return;
        case Sleep::kOnBell:
            return rings_->ring();
        case Sleep::kOnSocket:
            break;
    }
    const int error = send(socket_.get(), {.kind = PacketKind::kBell}, {});
    // A server with a full socket has bells enough.
    if (error != 0 && error != EAGAIN && error != ENOBUFS) give_up();
}

bool Connection::serve() {
    // Descriptors come before the answers that name them. What a server has said before it went counts.
    const bool packets = receive_packets();
    if (become_collector()) {
        rings_->set_sleep(Sleep::kAwake);
        // A server that never stops must not hold up whoever ends the connection: what it adds meanwhile
        // waits for the next turn.
        for (std::size_t taken = 0; taken < server::kAnswerSlots && rings_->answers_wait(); taken += kBatch)
            (void)take_answers(kBatch);
        leave();
    }
    if (!packets) give_up();
    // There may be room in the ring again.
    pump(false);
    return !lost_.load();
}

std::size_t Connection::take_answers(std::size_t most) {
    std::array<Cqe, kBatch> batch;
    const Result<std::size_t> count = rings_->take(std::span(batch).first(std::min(most, batch.size())));
    if (!count) {
        give_up();
        return 0;
    }
    // What others' answers end must not make their collector wait for an answer itself.
    const wait::Waiter::Aside aside;
    for (const Cqe& cqe : std::span(batch).first(*count))
        if (!complete(cqe)) ++lies_;
    if (rings_->were_full()) wake_server();
    return *count;
}

// Whoever takes packets out also keeps what was in them, before anybody else looks. Where a server has died
// with bells unread, its end is told first (ECONNRESET, once), and what it had sent comes behind.
bool Connection::receive_packets() {
    return received_.with([&](std::deque<Received>& kept) {
        bool reset = false;
        for (std::size_t received = 0; received < kMostPackets; ++received) {
            Packet packet;
            std::vector<host::UniqueFd> files;
            const int error =
                receive_packet(socket_.get(), std::as_writable_bytes(std::span(&packet, 1)), files);
            if (error == EAGAIN) return !reset;
            if (error == ECONNRESET && !std::exchange(reset, true)) continue;
            if (error != 0) return false;
            if (packet.kind == PacketKind::kBell) continue;
            if (packet.kind != PacketKind::kDescriptor || files.size() != 1) return false;
            if (kept.size() >= kMostReceived) return false;
            kept.push_back({packet.tag, std::move(files.front())});
        }
        return !reset;
    });
}

Result<void> Connection::complete(const Cqe& cqe) {
    const std::uint8_t raw = cqe.flags & abi::kCqeOpcodeMask;
    if (raw == server::kMoveFd) return move(cqe);
    if (raw == server::kForgetFd) {
        if (tokens_.erase(cqe.result) == 0) return fail(Errno::kENOENT);
        return {};
    }
    switch (static_cast<CqeOpcode>(raw)) {
        case CqeOpcode::kRespondRegular:
            return respond(cqe.tag,
                           {.value = user_scheme::demux(cqe.result), .new_fd_flags = cqe.extra_raw[0]});
        case CqeOpcode::kRespondAndNotifyOnDetach:
            return respond(cqe.tag, {.kind = Answer::Kind::kNotifyOnDetach,
                                     .value = user_scheme::demux(cqe.result),
                                     .new_fd_flags = cqe.extra_raw[0]});
        case CqeOpcode::kSendFevent:
            if ((cqe.tag & ~(abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite)) != 0)
                return fail(Errno::kEINVAL);
            scheme_->announce(HandleNumber{cqe.result}, cqe.tag);
            return {};
        case CqeOpcode::kRespondWithFd:
            return respond_with_descriptor(cqe);
        case CqeOpcode::kRespondWithMultipleFds:
            return respond_with_descriptors(cqe);
        case CqeOpcode::kObtainFd:
            return keep(cqe);
    }
    return fail(Errno::kEINVAL);
}

// What was moved to a request goes with it, unless the answer takes it along: the tag is somebody else's
// next.
Result<void> Connection::respond(std::uint32_t tag, Answer&& answer) {
    const auto moved = moving_.extract(tag);
    return scheme_->channel().respond(tag, std::move(answer));
}

Result<scheme::DescriptionRef> Connection::take_received(std::uint32_t tag) {
    const auto take = [&] {
        return received_.with([tag](std::deque<Received>& received) {
            const auto first = std::find_if(received.begin(), received.end(),
                                            [tag](const Received& one) { return one.tag == tag; });
            host::UniqueFd file;
            if (first == received.end()) return file;
            file = std::move(first->file);
            received.erase(first);
            return file;
        });
    };
    host::UniqueFd file = take();
    if (!file.is_open()) {
        // Descriptors come before the answers that name them: if there is one, it is in the socket.
        if (!receive_packets()) give_up();
        file = take();
    }
    if (!file.is_open()) return fail(Errno::kENOENT);
    return files_->adopt(std::move(file));
}

Result<scheme::DescriptionRef> Connection::take(std::uint64_t number, std::uint32_t tag) {
    if ((number & server::kTokenBit) == 0) return take_received(tag);
    const auto token = tokens_.find(number);
    if (token == tokens_.end()) return fail(Errno::kENOENT);
    scheme::DescriptionRef description = std::move(token->second);
    tokens_.erase(token);
    return description;
}

Result<void> Connection::respond_with_descriptor(const Cqe& cqe) {
    TRY(scheme_->channel().expects_answer(cqe.tag));
    auto description = take(cqe.result, cqe.tag);
    // It has died before it could send it; close() tells its caller.
    if (!description && lost_.load()) return {};
    // Named one that is not there, or nothing that a guest can have: its caller has an error, and goes on.
    if (!description) {
        ++lies_;
        return respond(cqe.tag, {.value = fail(Errno::kEIO)});
    }
    Answer answer{.kind = Answer::Kind::kDescription, .value = cqe.result};
    answer.descriptions.push_back(std::move(*description));
    return respond(cqe.tag, std::move(answer));
}

Result<void> Connection::move(const Cqe& cqe) {
    TRY(scheme_->channel().expects_answer(cqe.tag));
    std::size_t moving = 0;
    for (const auto& [tag, descriptions] : moving_)
        moving += descriptions.size();
    if (moving >= kMostReceived) return fail(Errno::kEMFILE);
    auto description = TRY(take(cqe.result, cqe.tag));
    moving_[cqe.tag].push_back(std::move(description));
    return {};
}

Result<void> Connection::respond_with_descriptors(const Cqe& cqe) {
    std::vector<scheme::DescriptionRef> descriptions;
    if (auto moving = moving_.extract(cqe.tag)) descriptions = std::move(moving.mapped());
    TRY(scheme_->channel().expects_answer(cqe.tag));
    TRY(scheme_->channel().attach(cqe.tag, std::move(descriptions)));
    return scheme_->channel().respond(cqe.tag, {.kind = Answer::Kind::kDescriptions});
}

Result<void> Connection::keep(const Cqe& cqe) {
    const std::uint64_t count = abi::cqe_extra(cqe);
    if ((cqe.result & server::kTokenBit) == 0 || count > kMostTokens - tokens_.size() ||
        count > UINT64_MAX - cqe.result)
        return fail(Errno::kEINVAL);
    const auto next = tokens_.lower_bound(cqe.result);
    if (next != tokens_.end() && next->first - cqe.result < count) return fail(Errno::kEEXIST);
    auto sent = TRY(scheme_->channel().obtain_all(cqe.tag, count));
    for (std::uint64_t i = 0; i < count; ++i)
        tokens_.emplace(cqe.result + i, std::move(sent[i]));
    return {};
}

}  // namespace halfcell::host_server
