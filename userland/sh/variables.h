#pragma once

// The shell's variables: values, attributes, and the local ones of functions. Pure; tested on the host.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland::sh {

struct Variable {
    std::string name;
    std::optional<std::string> value;  // Exported or read-only names may have none.
    bool exported = false;
    bool read_only = false;
};

class Variables {
  public:
    // Null where there is no such name; valid until the next change.
    const Variable* find(std::string_view name) const;
    std::optional<std::string> value(std::string_view name) const;

    // Each returns false where the variable is read-only.
    [[nodiscard]] bool set(std::string_view name, std::string_view value);
    [[nodiscard]] bool unset(std::string_view name);
    void set_exported(std::string_view name);
    void set_read_only(std::string_view name);

    // All of them, sorted by name.
    const std::vector<Variable>& all() const { return variables_; }
    // NAME=VALUE of those that commands inherit.
    std::vector<std::string> environment() const;

    // A scope ends with the values from its beginning for the names made local in it. make_local is false
    // outside of any.
    void begin_scope() { scopes_.emplace_back(); }
    void end_scope();
    bool make_local(std::string_view name);

    // Puts a variable back as it was, whatever its attributes are: what end_scope and assignments in front
    // of a command do. Nothing in `saved.value`, no attributes: the name goes.
    void restore(const Variable& saved);
    // The variable as it is, for `restore`.
    Variable saved(std::string_view name) const;

  private:
    Variable& get(std::string_view name);

    std::vector<Variable> variables_;
    std::vector<std::vector<Variable>> scopes_;
};

}  // namespace halfcell::userland::sh
