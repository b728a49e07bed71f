#include "kernel_shim/base/json.h"

namespace halfcell {
namespace {

template <typename Value>
std::string dump(const Value& value, int indent) {
    return value.dump(indent, ' ', false, Value::error_handler_t::replace);
}

// The depth of brackets outside of strings; exact for valid JSON, and an upper bound is all that is asked of
// the rest.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') ++at;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth > kJsonDepth) return true;
    }
    return false;
}

template <typename Value>
Result<Value> parse(std::string_view text) {
    if (too_deep(text)) return fail(Errno::kEINVAL);
    Value value = Value::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return fail(Errno::kEINVAL);
    return value;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    return parse<Json>(text);
}
Result<OrderedJson> parse_ordered_json(std::string_view text) {
    return parse<OrderedJson>(text);
}

std::string dump_json(const Json& value, int indent) {
    return dump(value, indent);
}
std::string dump_json(const OrderedJson& value, int indent) {
    return dump(value, indent);
}

}  // namespace halfcell
