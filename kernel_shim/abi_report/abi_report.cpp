#include "kernel_shim/abi_report/abi_report.h"

#include <algorithm>
#include <cstdint>

#include "abi/error.h"
#include "kernel_shim/abi_report/abi_tables.h"
#include "kernel_shim/base/hash.h"
#include "kernel_shim/base/json.h"

namespace halfcell::abi_report {
namespace {

Json constants_json() {
    Json constants = Json::object();
    for (const Table& table : upstream_tables())
        for (const abi::NamedValue& row : table.rows)
            constants[full_name(table, row)] = row.value;
    return constants;
}

Json types_json() {
    Json types = Json::object();
    for (const Type& type : upstream_types()) {
        Json fields = Json::object();
        for (const Field& field : type.fields)
            fields[field.name] = {{"offset", field.offset}, {"size", field.size}};
        types[type.name] = {{"size", type.size}, {"align", type.align}, {"fields", std::move(fields)}};
    }
    return types;
}

std::string hexadecimal(std::uint64_t value, unsigned digits) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (unsigned at = digits; at-- > 0;)
        text += kDigits[value >> (4 * at) & 0xf];
    return "0x" + text;
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

class TextReport {
  public:
    explicit TextReport(bool colour) : colour_(colour) {}

    void heading(const std::string& title) {
        text_ += colour_ ? "\n\033[1m" + title + "\033[0m\n" : "\n" + title + "\n";
    }
    void line(const std::string& content) { text_ += content + "\n"; }

    void table(const Table& table) {
        heading(table.name);
        std::size_t name_width = 0;
        for (const abi::NamedValue& row : table.rows)
            name_width = std::max(name_width, std::string_view(row.name).size());
        for (const abi::NamedValue& row : table.rows) {
            std::string content = "  " + padded(row.name, name_width) + "  " +
                                  hexadecimal(row.value, 2 * table.width) + "  " + std::to_string(row.value);
            const char* sentence =
                table.name == "Errors" ? abi::errno_text(static_cast<abi::Errno>(row.value)) : nullptr;
            if (sentence != nullptr) content = padded(std::move(content), name_width + 20) + sentence;
            line(content);
        }
    }

    void type(const Type& type) {
        if (type.fields.empty()) return;
        line("  " + type.name + ": " + std::to_string(type.size) + " bytes, aligned to " +
             std::to_string(type.align));
        for (const Field& field : type.fields)
            line("    " + padded(std::to_string(field.offset), 6) + padded(std::to_string(field.size), 6) +
                 field.name);
    }

    std::string take() { return std::move(text_); }

  private:
    bool colour_;
    std::string text_;
};

}  // namespace

std::string canonical_text() {
    return dump_json(Json{{"constants", constants_json()}, {"epoch", kEpoch}, {"types", types_json()}});
}

std::string fingerprint() {
    return xxh3_text(xxh3_64(canonical_text()));
}

std::string abi_json() {
    OrderedJson report;
    report["epoch"] = kEpoch;
    report["fingerprint"] = fingerprint();
    report["constants"] = constants_json();
    report["types"] = types_json();
    return dump_json(report, 2) + "\n";
}

std::string abi_text(bool colour) {
    TextReport report(colour);
    report.line(std::string("redox_syscall ") + kEpoch + " for x86_64, fingerprint " + fingerprint());
    for (const Table& table : upstream_tables())
        report.table(table);
    report.heading("Structs (offset, size, field)");
    for (const Type& type : upstream_types())
        report.type(type);
    report.heading("Process manager, namespaces, signals: not in redox_syscall");
    for (const Table& table : protocol_tables())
        report.table(table);
    report.heading("Their structs (offset, size, field)");
    for (const Type& type : protocol_types())
        report.type(type);
    return report.take();
}

}  // namespace halfcell::abi_report
