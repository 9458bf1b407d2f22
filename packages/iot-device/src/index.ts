export { Message } from "azure-iot-device";
