#pragma once
// Makers of key rows: a setting with its field and codec, a key whose feature comes later with its
// default, nested tables of both.
#include <string>

#include "codecs.h"
#include "keys.h"

namespace weir::config {

template <typename M>
struct MemberOf;
template <typename T, typename V>
struct MemberOf<V T::*> {
  using Class = T;
};

// A key that fills `member`.
template <auto member, typename Codec, Use use = Use::kSetting,
          typename T = typename MemberOf<decltype(member)>::Class>
constexpr Key<T> key(std::string_view name) {
  return {
      name,
      {},
      [](Scope& scope, const Key<T>&, const Node& node, T& object) {
        Codec::read(scope, node, object.*member);
      },
      [](const std::string& prefix, const Key<T>& row, const T& object, std::vector<Shown>& out) {
        out.push_back({prefix + std::string(row.name), Codec::show(object.*member), use});
      }};
}
template <auto member, typename Codec>
constexpr auto example(std::string_view name) {
  return key<member, Codec, Use::kExample>(name);
}

// A key without a field: its feature comes later, or has one form only (Use::kSetting). Checked
// like any other, then accepted at its default.
template <typename T, typename Codec, Use use = Use::kLater>
constexpr Key<T> later(std::string_view name, std::string_view default_text) {
  return {name, default_text,
          [](Scope& scope, const Key<T>& row, const Node& node, T&) {
            typename Codec::Value value{};
            if (!Codec::read(scope, node, value)) return;
            if (Codec::show(value) != row.default_text) scope.unavailable(node, row.default_text);
          },
          [](const std::string& prefix, const Key<T>& row, const T&, std::vector<Shown>& out) {
            out.push_back({prefix + std::string(row.name), std::string(row.default_text), use});
          }};
}

// A key of a later feature that has no default.
template <typename T>
constexpr Key<T> never(std::string_view name) {
  return {name,
          {},
          [](Scope& scope, const Key<T>&, const Node& node, T&) { scope.unavailable(node, {}); },
          [](const std::string& prefix, const Key<T>& row, const T&, std::vector<Shown>& out) {
            out.push_back({prefix + std::string(row.name), {}, Use::kNever});
          }};
}

template <typename T>
void read_nested(Scope& scope, const Node& node, std::span<const Key<T>> keys, T& object) {
  if (!is_table(scope, node, "a table: { … }")) return;
  Scope inner = scope;
  inner.prefix = scope.full_key() + ".";
  inner.section = scope.full_key();
  read_table(inner, node, Part<T>{keys, object});
}

// A table whose keys fill the object itself or, by `member`, a part of it.
template <typename T, const auto& keys>
constexpr Key<T> nested(std::string_view name) {
  return {
      name,
      {},
      [](Scope& scope, const Key<T>&, const Node& node, T& object) {
        read_nested<T>(scope, node, keys, object);
      },
      [](const std::string& prefix, const Key<T>& row, const T& object, std::vector<Shown>& out) {
        show_keys<T>(prefix + std::string(row.name) + ".", keys, object, out);
      }};
}
template <auto member, const auto& keys, typename T = typename MemberOf<decltype(member)>::Class>
constexpr Key<T> nested_in(std::string_view name) {
  using Inner = std::remove_cvref_t<decltype(std::declval<T>().*member)>;
  return {
      name,
      {},
      [](Scope& scope, const Key<T>&, const Node& node, T& object) {
        read_nested<Inner>(scope, node, keys, object.*member);
      },
      [](const std::string& prefix, const Key<T>& row, const T& object, std::vector<Shown>& out) {
        show_keys<Inner>(prefix + std::string(row.name) + ".", keys, object.*member, out);
      }};
}

// No object at all: keys of tables whose features come later.
struct Nothing {};

template <typename T, const auto& keys>
constexpr Key<T> later_table(std::string_view name) {
  return {name,
          {},
          [](Scope& scope, const Key<T>&, const Node& node, T&) {
            Nothing nothing;
            bool is_off = node.kind == Node::Kind::kBoolean && !node.boolean;
            if (is_off) {
              scope.unavailable(node, {});
            } else {
              read_nested<Nothing>(scope, node, keys, nothing);
            }
          },
          [](const std::string& prefix, const Key<T>& row, const T&, std::vector<Shown>& out) {
            show_keys<Nothing>(prefix + std::string(row.name) + ".", keys, Nothing{}, out);
          }};
}

}  // namespace weir::config
