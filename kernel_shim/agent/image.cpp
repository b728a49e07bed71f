#include "kernel_shim/agent/image.h"

#include <cstring>
#include <span>
#include <vector>

#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/base/check.h"
#include "kernel_shim/host/sys.h"

extern "C" {
extern const std::byte hc_stub_begin[];
extern const std::byte hc_stub_end[];
extern const std::byte hc_stub_empty_process[];
extern const std::byte hc_stub_handler[];
extern const std::byte hc_stub_restorer[];
extern const std::byte hc_stub_after_hello[];
extern const std::byte hc_stub_after_park[];
extern const std::byte hc_stub_after_sigreturn[];
extern const std::byte hc_stub_after_exit[];
}

namespace halfcell::agent {

namespace {

std::uint64_t offset_of(const std::byte* symbol) {
    return static_cast<std::uint64_t>(symbol - hc_stub_begin);
}
std::uint64_t address_of(const std::byte* symbol) {
    return HC_STUB_CODE + offset_of(symbol);
}

StubAddresses compute_addresses() {
    return {
        .handler = address_of(hc_stub_handler),
        .restorer = address_of(hc_stub_restorer),
        .after_hello = address_of(hc_stub_after_hello),
        .after_park = address_of(hc_stub_after_park),
        .empty_process_offset = offset_of(hc_stub_empty_process),
        .sites = {.page = HC_STUB_CODE,
                  .after_sigreturn = address_of(hc_stub_after_sigreturn),
                  .after_exit = address_of(hc_stub_after_exit)},
    };
}

class TableWriter {
  public:
    TableWriter() : bytes_(HC_STUB_TABLE_SIZE) {}

    // A sock_fprog at guest address `record` whose program follows the ones written before.
    void add_filter(std::uint64_t record, const std::vector<sock_filter>& program) {
        const std::size_t size = program.size() * sizeof(sock_filter);
        HC_CHECK(HC_STUB_TABLE + next_ + size <= HC_REPORT_LOW, "the filters outgrow their page");
        sock_fprog header{};
        header.len = static_cast<unsigned short>(program.size());
        header.filter = reinterpret_cast<sock_filter*>(HC_STUB_TABLE + next_);
        put(record, &header, sizeof header);
        put(HC_STUB_TABLE + next_, program.data(), size);
        next_ += size;
    }

    void add_column(std::uint64_t address, unsigned shift) {
        for (std::uint64_t i = 0; i < HC_REPORT_WORDS; ++i) {
            const std::uint64_t word = (i + 1) << shift;
            put(address + i * sizeof word, &word, sizeof word);
        }
    }

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  private:
    void put(std::uint64_t address, const void* from, std::size_t size) {
        std::memcpy(bytes_.data() + (address - HC_STUB_TABLE), from, size);
    }

    std::vector<std::byte> bytes_;
    std::uint64_t next_ = HC_TABLE_PROGRAMS;
};

Result<host::UniqueFd> sealed_file(const char* name, std::span<const std::byte> content) {
    host::UniqueFd file = TRY(host::create_memory_file(name, content.size()));
    TRY(host::write_fully_at(file.get(), content, 0));
    TRY(host::seal_memory_file(file.get()));
    return file;
}

}  // namespace

const StubAddresses& stub_addresses() {
    static const StubAddresses addresses = compute_addresses();
    return addresses;
}

Result<StubImage> create_stub_image() {
    HC_CHECK(hc_stub_end - hc_stub_begin <= HC_STUB_CODE_SIZE, "the stub outgrows its page");
    const StubAddresses& addresses = stub_addresses();
    TableWriter table;
    table.add_filter(HC_TABLE_AGENT_FILTER, host::agent_filter(addresses.sites));
    table.add_filter(HC_TABLE_GUEST_FILTER, host::guest_filter(addresses.sites));
    table.add_column(HC_REPORT_LOW, 0);
    table.add_column(HC_REPORT_MIDDLE, 16);
    table.add_column(HC_REPORT_HIGH, 32);
    StubImage image;
    image.code = TRY(sealed_file("halfcell-stub", {hc_stub_begin, HC_STUB_CODE_SIZE}));
    image.table = TRY(sealed_file("halfcell-table", table.bytes()));
    return image;
}

}  // namespace halfcell::agent
