#include "userland/sh/variables.h"

#include <algorithm>

namespace halfcell::userland::sh {
namespace {

bool name_before(const Variable& variable, std::string_view name) {
    return variable.name < name;
}

}  // namespace

const Variable* Variables::find(std::string_view name) const {
    const auto at = std::lower_bound(variables_.begin(), variables_.end(), name, name_before);
    return at != variables_.end() && at->name == name ? &*at : nullptr;
}

std::optional<std::string> Variables::value(std::string_view name) const {
    const Variable* const variable = find(name);
    return variable != nullptr ? variable->value : std::nullopt;
}

Variable& Variables::get(std::string_view name) {
    const auto at = std::lower_bound(variables_.begin(), variables_.end(), name, name_before);
    if (at != variables_.end() && at->name == name) return *at;
    Variable variable;
    variable.name = std::string(name);
    return *variables_.insert(at, std::move(variable));
}

bool Variables::set(std::string_view name, std::string_view value) {
    Variable& variable = get(name);
    if (variable.read_only) return false;
    variable.value = std::string(value);
    return true;
}

bool Variables::unset(std::string_view name) {
    const auto at = std::lower_bound(variables_.begin(), variables_.end(), name, name_before);
    if (at == variables_.end() || at->name != name) return true;
    if (at->read_only) return false;
    variables_.erase(at);
    return true;
}

void Variables::set_exported(std::string_view name) {
    get(name).exported = true;
}

void Variables::set_read_only(std::string_view name) {
    get(name).read_only = true;
}

std::vector<std::string> Variables::environment() const {
    std::vector<std::string> entries;
    for (const Variable& variable : variables_) {
        if (variable.exported && variable.value) entries.push_back(variable.name + "=" + *variable.value);
    }
    return entries;
}

Variable Variables::saved(std::string_view name) const {
    if (const Variable* const variable = find(name)) return *variable;
    Variable none;
    none.name = std::string(name);
    return none;
}

void Variables::restore(const Variable& saved) {
    if (saved.value || saved.exported || saved.read_only) {
        get(saved.name) = saved;
        return;
    }
    const auto at = std::lower_bound(variables_.begin(), variables_.end(), saved.name, name_before);
    if (at != variables_.end() && at->name == saved.name) variables_.erase(at);
}

bool Variables::make_local(std::string_view name) {
    if (scopes_.empty()) return false;
    for (const Variable& variable : scopes_.back()) {
        if (variable.name == name) return true;
    }
    scopes_.back().push_back(saved(name));
    return true;
}

void Variables::end_scope() {
    // In reverse is not needed: each name is in a scope once.
    for (const Variable& variable : scopes_.back())
        restore(variable);
    scopes_.pop_back();
}

}  // namespace halfcell::userland::sh
