#pragma once
// Memory of objects that come and go with each request: what was freed is kept for the next one of
// the same class on the same thread. Made and destroyed on one thread.
#include <cstddef>
#include <new>
#include <vector>

namespace weir {

// class Exchange : … , public Recycled<Exchange>. Only objects of exactly that class.
template <typename T>
class Recycled {
 public:
  static void* operator new(std::size_t size) {
    std::vector<void*>& kept = free_blocks().blocks;
    if (kept.empty()) return ::operator new(size);
    void* block = kept.back();
    kept.pop_back();
    return block;
  }
  static void operator delete(void* block) {
    std::vector<void*>& kept = free_blocks().blocks;
    if (kReuses && kept.size() < kMaxKept) {
      kept.push_back(block);
    } else {
      ::operator delete(block);
    }
  }

 protected:
  ~Recycled() = default;

 private:
  static constexpr std::size_t kMaxKept = 256;
  // AddressSanitizer sees a use after free only of what is really freed.
#ifdef __SANITIZE_ADDRESS__
  static constexpr bool kReuses = false;
#else
  static constexpr bool kReuses = true;
#endif
  struct FreeBlocks {
    FreeBlocks() { blocks.reserve(kMaxKept); }
    ~FreeBlocks() {
      for (void* block : blocks) ::operator delete(block);
    }
    std::vector<void*> blocks;
  };
  static FreeBlocks& free_blocks() {
    static thread_local FreeBlocks kept;
    return kept;
  }
};

}  // namespace weir
