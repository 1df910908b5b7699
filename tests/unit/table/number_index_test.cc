#include "src/table/number_index.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "weir/base/rng.h"

using weir::table::NumberIndex;

TEST_CASE("numbers are found by their names while names come and go") {
  weir::Rng rng(5);
  for (std::uint64_t buckets : {1u, 7u, 1u << 30}) {
    // Few hashes for many names, so that they stand behind each other.
    auto hash_of_name = [&](const std::string& name) {
      std::uint64_t hash = 99;
      for (char c : name) hash = hash * 31 + static_cast<unsigned char>(c);
      return hash % buckets * 0x9e3779b97f4a7c15;
    };
    std::map<std::string, std::uint32_t> model;
    std::vector<std::string> names;
    NumberIndex index;
    auto hash_of = [&](std::uint32_t number) { return hash_of_name(names[number]); };
    auto find = [&](const std::string& name) {
      return index.find(hash_of_name(name),
                        [&](std::uint32_t number) { return names[number] == name; });
    };
    for (int i = 0; i < 2000; ++i) {
      std::string name = "n" + std::to_string(rng.below(buckets == 1 ? 40 : 300));
      auto known = model.find(name);
      REQUIRE(find(name) == (known == model.end() ? NumberIndex::kNone : known->second));
      if (known == model.end()) {
        names.push_back(name);
        model[name] = static_cast<std::uint32_t>(names.size() - 1);
        index.insert(model[name], hash_of);
      } else if (rng.one_in(4)) {
        names.push_back(name);
        auto by = static_cast<std::uint32_t>(names.size() - 1);
        index.replace(known->second, by, hash_of);
        known->second = by;
      } else {
        index.erase(known->second, hash_of);
        model.erase(known);
      }
      REQUIRE(index.size() == model.size());
    }
    for (const auto& [name, number] : model) CHECK(find(name) == number);
  }
}
