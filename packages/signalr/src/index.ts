export * from "@microsoft/signalr";
