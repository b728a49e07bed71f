// Random operations on a file table against the simplest model that can be right: a map from number to
// handle.

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>

#include "kernel_shim/fd/fd_table.h"
#include "tests/support/fake_scheme.h"

using namespace halfcell;

namespace {

constexpr std::uint64_t kTag = abi::kUpperFdtblTag;

// Numbers that collide often, with the edges among them.
rc::Gen<std::uint64_t> any_fd() {
    return rc::gen::map(
        rc::gen::pair(
            rc::gen::arbitrary<bool>(),
            rc::gen::weightedOneOf<std::uint64_t>(
                {{8, rc::gen::inRange<std::uint64_t>(0, 12)},
                 {1, rc::gen::element<std::uint64_t>(65534, 65535, 65536, std::uint64_t{1} << 63)}})),
        [](const std::pair<bool, std::uint64_t>& choice) {
            return choice.second | (choice.first ? kTag : 0);
        });
}

struct Model {
    struct Entry {
        std::uint64_t handle;
        bool cloexec;
        bool operator==(const Entry&) const = default;
    };
    std::map<std::uint64_t, Entry> entries;
    std::map<std::uint64_t, std::uint64_t> length{{0, 0}, {kTag, 0}};  // per half, as F_DUPFD shows it

    [[nodiscard]] std::uint64_t lowest(std::uint64_t tag, std::uint64_t from) const {
        while (entries.contains(from | tag))
            ++from;
        return from;
    }
    void put(std::uint64_t fd, Entry entry) {
        entries.emplace(fd, entry);
        auto& end = length[fd & kTag];
        end = std::max(end, (fd & ~kTag) + 1);
    }
    // nullopt: EMFILE.
    std::optional<std::uint64_t> add_from(std::uint64_t minimum, Entry entry) {
        const std::uint64_t tag = minimum & kTag;
        const std::uint64_t from = minimum & ~kTag;
        if (from > length[tag] && from >= fd::kMaxDescriptors) return std::nullopt;
        const std::uint64_t fd = lowest(tag, from) | tag;
        put(fd, entry);
        return fd;
    }
    std::optional<Errno> check(const std::vector<std::uint64_t>& fds) const {
        std::map<std::uint64_t, int> seen;
        for (const std::uint64_t fd : fds) {
            if ((fd & ~kTag) >= fd::kMaxDescriptors) return Errno::kEMFILE;
            if (++seen[fd] > 1 || !entries.contains(fd)) return Errno::kEBADF;
        }
        return std::nullopt;
    }
};

template <typename T>
void same_error(const Result<T>& result, std::optional<Errno> expected) {
    RC_ASSERT(result.has_value() == !expected.has_value());
    if (expected) RC_ASSERT(result.error() == *expected);
}

class Run {
  public:
    void step() {
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
                return add();
            case 1:
                return add_from();
            case 2:
                return insert();
            case 3:
                return remove();
            case 4:
                return remove_all();
            case 5:
                return add_all_upper();
            case 6:
                return insert_all_upper();
            default:
                return set_cloexec();
        }
    }
    void compare() const {
        std::vector<std::uint64_t> numbers;
        for (const auto& [fd, entry] : model_.entries)
            numbers.push_back(fd);
        RC_ASSERT(table_.numbers() == numbers);
        RC_ASSERT(table_.count() == numbers.size());
        for (const auto& [fd, descriptor] : table_.snapshot()) {
            const Model::Entry found{descriptor.description->number().value(), descriptor.cloexec};
            RC_ASSERT(found == model_.entries.at(fd.value()));
        }
        const auto closed = scheme_.scheme->closed();
        RC_ASSERT(closed.size() + numbers.size() == next_handle_);
    }

  private:
    Model::Entry fresh() { return {next_handle_++, *rc::gen::arbitrary<bool>()}; }
    fd::Descriptor descriptor(Model::Entry entry) const {
        return {scheme_.open(entry.handle), entry.cloexec};
    }

    void add() {
        const Model::Entry entry = fresh();
        const auto fd = table_.add(descriptor(entry));
        RC_ASSERT(fd.has_value());
        RC_ASSERT(fd->value() == model_.lowest(0, 0));
        model_.put(fd->value(), entry);
    }
    void add_from() {
        const Model::Entry entry = fresh();
        const std::uint64_t minimum = *any_fd();
        const auto fd = table_.add_from(FdNumber{minimum}, descriptor(entry));
        const auto expected = model_.add_from(minimum, entry);
        same_error(fd, expected ? std::nullopt : std::optional(Errno::kEMFILE));
        if (expected) RC_ASSERT(fd->value() == *expected);
    }
    void insert() {
        const Model::Entry entry = fresh();
        const std::uint64_t fd = *any_fd();
        const bool refused = (fd & ~kTag) >= fd::kMaxDescriptors || model_.entries.contains(fd);
        same_error(table_.insert(FdNumber{fd}, descriptor(entry)),
                   refused ? std::optional(Errno::kEMFILE) : std::nullopt);
        if (!refused) model_.put(fd, entry);
    }
    void remove() {
        const std::uint64_t fd = *any_fd();
        const bool open = model_.entries.erase(fd) != 0;
        same_error(table_.remove(FdNumber{fd}), open ? std::nullopt : std::optional(Errno::kEBADF));
    }
    void remove_all() {
        const auto fds = *rc::gen::container<std::vector<std::uint64_t>>(any_fd());
        const auto expected = model_.check(fds);
        same_error(table_.remove_all(fds), expected);
        if (expected) return;
        for (const std::uint64_t fd : fds)
            model_.entries.erase(fd);
    }
    void add_all_upper() {
        std::vector<Model::Entry> entries(*rc::gen::inRange(1, 4), Model::Entry{});
        std::vector<fd::Descriptor> descriptors;
        for (Model::Entry& entry : entries)
            descriptors.push_back(descriptor(entry = fresh()));
        std::uint64_t start = 0;
        for (std::uint64_t index = 0; index < start + entries.size(); ++index)
            if (model_.entries.contains(index | kTag)) start = index + 1;
        const auto fds = table_.add_all_upper(descriptors);
        RC_ASSERT(fds.has_value());
        for (std::size_t i = 0; i < entries.size(); ++i) {
            RC_ASSERT((*fds)[i].value() == ((start + i) | kTag));
            model_.put((start + i) | kTag, entries[i]);
        }
    }
    void insert_all_upper() {
        const auto fds = *rc::gen::container<std::vector<std::uint64_t>>(any_fd());
        std::vector<Model::Entry> entries;
        std::vector<fd::Descriptor> descriptors;
        std::optional<Errno> expected;
        std::map<std::uint64_t, int> seen;
        for (const std::uint64_t fd : fds) {
            entries.push_back(fresh());
            descriptors.push_back(descriptor(entries.back()));
            if (expected) continue;
            if ((fd & ~kTag) >= fd::kMaxDescriptors)
                expected = Errno::kEMFILE;
            else if (++seen[fd | kTag] > 1)
                expected = Errno::kEINVAL;
            else if (model_.entries.contains(fd | kTag))
                expected = Errno::kEEXIST;
        }
        same_error(table_.insert_all_upper(fds, descriptors), expected);
        if (expected) return;
        for (std::size_t i = 0; i < fds.size(); ++i)
            model_.put(fds[i] | kTag, entries[i]);
    }
    void set_cloexec() {
        const std::uint64_t fd = *any_fd();
        const bool on = *rc::gen::arbitrary<bool>();
        const auto found = model_.entries.find(fd);
        same_error(table_.set_cloexec(FdNumber{fd}, on),
                   found != model_.entries.end() ? std::nullopt : std::optional(Errno::kEBADF));
        if (found != model_.entries.end()) found->second.cloexec = on;
    }

    test::RegisteredScheme<> scheme_;
    fd::FdTable table_;
    Model model_;
    std::uint64_t next_handle_ = 0;
};

}  // namespace

TEST_CASE("a file table behaves as its model") {
    CHECK(rc::check("operations agree with the model", [] {
        Run run;
        const int steps = *rc::gen::inRange(1, 60);
        for (int i = 0; i < steps; ++i)
            run.step();
        run.compare();
    }));
}
