#include "schemes/kernel/event.h"

#include "kernel_shim/scheme/record_queue.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr HandleNumber kRoot{UINT64_MAX};

}  // namespace

// One queue. Registrations refer to it weakly, so that a closed queue is simply skipped.
class EventScheme::Queue final : public scheme::EventSink {
  public:
    explicit Queue(scheme::EventSource source) : source_(source) {}

    void deliver(const abi::Event& event) override { records_.push(event); }
    [[nodiscard]] std::optional<scheme::EventSource> watched_as() const override { return source_; }

    [[nodiscard]] scheme::EventSource source() const { return source_; }
    auto& records() { return records_; }

  private:
    const scheme::EventSource source_;
    scheme::RecordQueue<abi::Event, LockLevel::kEventQueue> records_;
};

Result<OpenedHandle> EventScheme::root() {
    return OpenedHandle{.number = kRoot};
}

Result<OpenResult> EventScheme::openat(const Caller&, HandleNumber base, std::string_view, std::uint64_t,
                                       std::uint32_t) {
    if (base != kRoot) return fail(Errno::kEACCES);
    const HandleNumber number{next_.fetch_add(1)};
    auto queue = std::make_shared<Queue>(scheme::EventSource{id(), number});
    queues_.with([&](auto& queues) { queues.emplace(number, std::move(queue)); });
    return OpenedHandle{.number = number};
}

Result<EventScheme::QueueRef> EventScheme::find(HandleNumber number) const {
    return queues_.with([&](const auto& queues) -> Result<QueueRef> {
        const auto it = queues.find(number);
        if (it == queues.end()) return fail(Errno::kEBADF);
        return it->second;
    });
}

Result<std::uint64_t> EventScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                        scheme::TransferFlags flags) {
    const QueueRef queue = TRY(find(number));
    const scheme::Wait wait =
        (flags.call & abi::OpenFlags::kNonblock) != 0 ? scheme::Wait::kNo : scheme::Wait::kYes;
    return queue->records().receive(to, wait, "EventQueue::read", caller.waiter);
}

Result<std::uint64_t> EventScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                         scheme::TransferFlags) {
    const QueueRef queue = TRY(find(number));
    const std::uint64_t records = from.size() / sizeof(abi::Event);
    for (std::uint64_t i = 0; i < records; ++i) {
        abi::Event event;
        TRY(from.read(i * sizeof event, std::as_writable_bytes(std::span(&event, 1))));
        TRY(add(caller, number, queue, event));
    }
    return records * sizeof(abi::Event);
}

// Source: kernel:src/event.rs EventQueue::write, sync.
Result<void> EventScheme::add(const Caller& caller, HandleNumber number, const QueueRef& queue,
                              const abi::Event& event) {
    const auto context = contexts_.find(caller.context);
    const std::shared_ptr<fd::FdTable> files = context ? (*context)->files() : nullptr;
    if (files == nullptr) return fail(Errno::kEBADF);
    const scheme::DescriptionRef watched = TRY(files->find(FdNumber{event.id}));
    const scheme::EventSource source{watched->scheme_id(), watched->number()};
    // Only direct self-registration is refused; queues that contain each other are legal.
    if (source == scheme::EventSource{id(), number}) return fail(Errno::kEBADF);
    const std::uint64_t wanted = registry_.subscribe(source, queue, event);
    scheme::Scheme* const watched_scheme = TRY(watched->scheme());
    const std::uint64_t ready = TRY(watched_scheme->fevent(caller, source.number, wanted));
    // Ready now is an event for every queue that watches the file, not only for this one.
    if (ready != 0) registry_.trigger(source, ready);
    return {};
}

Result<std::uint64_t> EventScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const QueueRef queue = TRY(find(number));
    std::uint64_t ready = flags & abi::EventFlags::kEventWrite;
    if (!queue->records().empty()) ready |= flags & abi::EventFlags::kEventRead;
    return ready;
}

Result<std::uint64_t> EventScheme::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/event/");
}

Result<void> EventScheme::close(HandleNumber number) {
    QueueRef closed;  // destroyed outside the lock
    return queues_.with([&](auto& queues) -> Result<void> {
        const auto node = queues.extract(number);
        if (node.empty()) return fail(Errno::kEBADF);
        closed = node.mapped();
        return {};
    });
}

}  // namespace halfcell::schemes
