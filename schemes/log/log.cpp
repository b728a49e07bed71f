#include "schemes/log/log.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "abi/flags.h"
#include "kernel_shim/scheme/handle_map.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

namespace {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

class LogScheme final : public scheme::Scheme {
  public:
    explicit LogScheme(LogSink sink) : sink_(std::move(sink)) {}
    [[nodiscard]] std::string_view name() const override { return "log"; }

    Result<OpenedHandle> root() override {
        return OpenedHandle{.number = handles_.add(make_handle("", true))};
    }

    Result<OpenResult> openat(const Caller&, HandleNumber base, std::string_view path, std::uint64_t,
                              std::uint32_t) override {
        if (!TRY(handles_.find(base))->root) return fail(Errno::kEACCES);
        return OpenedHandle{.number = handles_.add(make_handle(path, false))};
    }

    Result<std::uint64_t> read(const Caller&, HandleNumber number, const mem::UserOut&,
                               scheme::TransferFlags) override {
        TRY(find(number));
        return 0;
    }

    Result<std::uint64_t> write(const Caller&, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags) override {
        const auto handle = TRY(find(number));
        std::array<char, 4096> part;
        for (std::uint64_t done = 0; done < from.size(); done += part.size()) {
            const std::uint64_t size = std::min<std::uint64_t>(part.size(), from.size() - done);
            TRY(from.read(done, std::as_writable_bytes(std::span(part)).first(size)));
            for (const std::string& line : add(*handle, {part.data(), size}))
                sink_(handle->context, line);
        }
        return from.size();
    }

    Result<std::uint64_t> fpath(const Caller&, HandleNumber number, const mem::UserOut& to) override {
        return to.write_common("/scheme/log/" + TRY(find(number))->context);
    }
    Result<void> fstat(const Caller&, HandleNumber number, const mem::UserOut& to) override {
        TRY(find(number));
        return reply_stat(to, abi::Mode::kChr | 0666);
    }
    Result<void> ftruncate(const Caller&, HandleNumber number, std::uint64_t) override {
        TRY(find(number));
        return {};
    }

    Result<void> close(HandleNumber number) override {
        const auto handle = TRY(handles_.remove(number));
        const std::string rest =
            handle->begun.with([](std::string& begun) { return std::exchange(begun, {}); });
        if (!rest.empty()) sink_(handle->context, rest);
        return {};
    }

  private:
    // A line that never ends is handed on in pieces of this size (safer: upstream keeps collecting).
    static constexpr std::size_t kLongestLine = 16384;

    struct Handle {
        Handle(std::string_view the_context, bool is_root) : context(the_context), root(is_root) {}
        const std::string context;
        const bool root;
        Guarded<std::string, LockLevel::kObject> begun;  // a line whose end has not come yet
    };
    static std::shared_ptr<Handle> make_handle(std::string_view context, bool root) {
        return std::make_shared<Handle>(context, root);
    }

    [[nodiscard]] Result<std::shared_ptr<Handle>> find(HandleNumber number) const {
        auto handle = TRY(handles_.find(number));
        if (handle->root) return fail(Errno::kEBADF);
        return handle;
    }

    // Adds text to what a handle has begun and returns the lines that are now whole.
    static std::vector<std::string> add(Handle& handle, std::string_view text) {
        std::vector<std::string> lines;
        handle.begun.with([&](std::string& begun) {
            for (const char c : text) {
                if (c != '\n') begun += c;
                if (c == '\n' || begun.size() >= kLongestLine) lines.push_back(std::exchange(begun, {}));
            }
        });
        return lines;
    }

    const LogSink sink_;
    scheme::HandleMap<Handle> handles_;
};

}  // namespace

std::shared_ptr<scheme::Scheme> make_log_scheme(LogSink sink) {
    return std::make_shared<LogScheme>(std::move(sink));
}

}  // namespace halfcell::schemes
