// The comparison half of abi_report.h: both sides become one flat map from a name to a printable value.

#include <map>

#include "kernel_shim/abi_report/abi_report.h"
#include "kernel_shim/base/json.h"

namespace halfcell::abi_report {
namespace {

using FlatAbi = std::map<std::string, std::string>;

// Objects are flattened with dots, whatever their depth in a file we did not write; everything else is a
// leaf.
void flatten(const std::string& prefix, const Json& value, FlatAbi& into, int depth_left) {
    if (!value.is_object() || depth_left == 0) {
        into[prefix] = dump_json(value);
        return;
    }
    if (value.empty()) into[prefix] = "{}";
    for (const auto& [key, inner] : value.items())
        flatten(prefix + "." + key, inner, into, depth_left - 1);
}

Result<FlatAbi> flat_abi(std::string_view text) {
    constexpr int kTypeDepth = 3;  // size; fields, field, offset
    const Json report = TRY(parse_json(text));
    if (!report.is_object() || !report.contains("constants") || !report.contains("types"))
        return fail(Errno::kEINVAL);
    const Json& constants = report["constants"];
    const Json& types = report["types"];
    if (!constants.is_object() || !types.is_object()) return fail(Errno::kEINVAL);
    FlatAbi flat;
    for (const auto& [name, value] : constants.items())
        flat[name] = dump_json(value);
    for (const auto& [name, value] : types.items())
        flatten("type " + name, value, flat, kTypeDepth);
    for (const char* key : {"epoch", "fingerprint"})
        if (report.contains(key)) flat[key] = dump_json(report[key]);
    return flat;
}

}  // namespace

Result<std::vector<std::string>> abi_differences(std::string_view other) {
    const FlatAbi theirs = TRY(flat_abi(other));
    const FlatAbi ours = TRY(flat_abi(abi_json()));
    FlatAbi lines;  // by name, so that both kinds of difference appear in one order
    for (const auto& [name, value] : theirs) {
        const auto found = ours.find(name);
        if (found == ours.end())
            lines[name] = "- " + name + " = " + value;
        else if (found->second != value)
            lines[name] = "! " + name + ": " + value + " there, " + found->second + " here";
    }
    for (const auto& [name, value] : ours)
        if (!theirs.contains(name)) lines[name] = "+ " + name + " = " + value;
    std::vector<std::string> differences;
    for (auto& [name, line] : lines)
        differences.push_back(std::move(line));
    return differences;
}

}  // namespace halfcell::abi_report
