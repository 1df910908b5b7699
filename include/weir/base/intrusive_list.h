#pragma once
// A doubly linked list through its members: O(1) insert and unlink, no allocation, no ownership.
// A node unlinks itself when destroyed. A type may stand in several lists by several tagged bases.
#include <cstddef>

#include "weir/base/check.h"

namespace weir {

template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ~ListNode() { unlink(); }
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListNode* prev_ = nullptr;
  ListNode* next_ = nullptr;
};

// T derives from ListNode<Tag>.
template <typename T, typename Tag = T>
class IntrusiveList {
  using Node = ListNode<Tag>;

 public:
  IntrusiveList() { head_.prev_ = head_.next_ = &head_; }
  ~IntrusiveList() {
    clear();
    head_.prev_ = head_.next_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool is_empty() const { return head_.next_ == &head_; }
  void push_back(T& item) { insert(head_.prev_, item); }
  void push_front(T& item) { insert(&head_, item); }
  T* front() { return is_empty() ? nullptr : as_item(head_.next_); }
  T* back() { return is_empty() ? nullptr : as_item(head_.prev_); }
  // The item after `item`, or null at the end.
  T* after(T& item) {
    Node* next = static_cast<Node&>(item).next_;
    return next == &head_ ? nullptr : as_item(next);
  }
  // Iteration; the current item may not be unlinked meanwhile.
  class Iterator {
   public:
    explicit Iterator(Node* node) : node_(node) {}
    T& operator*() const { return *as_item(node_); }
    Iterator& operator++() {
      node_ = node_->next_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }

   private:
    Node* node_;
  };
  Iterator begin() const { return Iterator(head_.next_); }
  Iterator end() const { return Iterator(const_cast<Node*>(&head_)); }
  void clear() {
    while (!is_empty()) head_.next_->unlink();
  }

 private:
  static T* as_item(Node* node) { return static_cast<T*>(node); }
  static void insert(Node* before, T& item) {
    Node& node = item;
    WEIR_CHECK(!node.is_linked());
    node.prev_ = before;
    node.next_ = before->next_;
    before->next_->prev_ = &node;
    before->next_ = &node;
  }
  Node head_;
};

}  // namespace weir
